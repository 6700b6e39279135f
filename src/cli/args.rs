//! The command line as data.

use std::path::PathBuf;

use clap::{Args as Group, Parser, Subcommand};
use jiff::civil::Date;

use super::{access, generate, ledger, report, tune, view};

/// Keeps the recordings of law-enforcement recorders honest.
#[derive(Debug, Parser)]
#[command(name = "recvault", version, max_term_width = 100, after_help = EXIT_CODES)]
pub(super) struct Args {
    /// The store; every command but init, generate, verify and doctor needs one.
    #[arg(long, env = "RECVAULT_STORE", value_name = "DIR", global = true)]
    pub store: Option<PathBuf>,
    #[command(subcommand)]
    pub command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 clean, 1 something needs attention or failed, 2 usage or \
configuration, 3 refused, 4 integrity violated, 70 defect, 75 the store is busy.";

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Lay out a new store
    Init(Init),
    /// Recorders, officers, and who held what when
    Registry(Registry),
    /// Run the night: take the inbox in, look at it, transcode, report
    #[command(alias = "night")]
    Batch(Json),
    /// Own the store and answer on its socket until stopped
    Serve,
    /// List recordings, by time
    List(List),
    /// Everything about one recording but its picture
    Show(Show),
    /// Why a recording is kept, or is due
    Why(Why),
    /// Keep a recording long-term under a clause of 4.6.1 to 4.6.4; anybody may
    Classify {
        /// The recording's id, or enough of its beginning
        id: String,
        /// The clause, such as 4.6.2
        #[arg(long)]
        clause: String,
        /// Why
        #[arg(long, default_value = "")]
        note: String,
    },
    /// Lower a recording's class; an approver signs, and it waits
    Lower {
        /// The recording's id, or enough of its beginning
        id: String,
        /// `standard`, or the clause that is to remain
        #[arg(long, value_name = "CLASS")]
        to: String,
        /// Why
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        signing: Signing,
    },
    /// Correct which recorder or officer a recording is of; two people sign, one an approver
    Attribute {
        /// The recording's id, or enough of its beginning
        id: String,
        /// The recorder
        #[arg(long, required_unless_present = "officer")]
        device: Option<String>,
        /// The officer
        #[arg(long)]
        officer: Option<String>,
        /// Why
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        signing: Signing,
    },
    /// Correct when a recording began; two people sign, one an approver
    Retime {
        /// The recording's id, or enough of its beginning
        id: String,
        /// When, such as 2026-03-02T06:00:00; without an offset by the office's clocks
        #[arg(long, value_name = "TIME")]
        start: String,
        /// Why
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        signing: Signing,
    },
    /// Holds: keep a recording for a case, whatever its date
    Hold(Hold),
    /// Dispose of what is due: plan, approve, and after the grace apply
    Disposal(Disposal),
    /// Roster, retention policy and clock
    Rule(Rule),
    /// Ask to look at recordings; an approver of Market Management decides
    Request(access::Wish),
    /// List requests to look that may still be acted on
    Requests(access::Requests),
    /// Approve a request to look; an approver signs who did not ask for it
    Approve(access::Decide),
    /// Open recordings in an emergency, once and for a day; two people sign, one an approver, and
    /// every report says so for 30 days
    BreakGlass(access::BreakGlass),
    /// Deny a request to look, or take its approval back; an approver signs
    Deny(access::Deny),
    /// Take a request of your own back
    Cancel {
        /// The request, or enough of its beginning
        request: String,
    },
    /// Make the package of an approved request
    Export(access::Export),
    /// Look at the recordings of an approved request in a browser on this machine
    View(view::View),
    /// Check a package; needs no store
    Verify(access::Verify),
    /// Which export a copy is of, by its bytes, its tags or the code in its picture
    Trace {
        /// The copy
        file: PathBuf,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Everything that ever happened to a recording, every look included
    Trail {
        /// The recording's id, or enough of its beginning
        id: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Reports for the people who answer for the office
    Report(report::Report),
    /// List the statements that wait for more people to sign
    Statements(Json),
    /// Sign a statement that somebody else signed before
    Sign {
        /// Its digest, or enough of its beginning: `recvault statements` lists them
        statement: String,
        #[command(flatten)]
        signing: Signing,
    },
    /// Act on a statement that was signed by hand
    Submit(Submit),
    /// Whether everything still is what the ledger says; changes nothing
    Check {
        /// Do not read originals and renditions to their ends
        #[arg(long)]
        quick: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// The second copy of every original, on another file system
    Mirror(Mirror),
    /// Read every copy of every original again now, and heal a bad one by the good one; the night
    /// does it in turn
    Fixity(Json),
    /// List the recorders, and whether every file of each is in the store twice, read again and
    /// under a checkpoint, so that it may be wiped
    SafeToWipe(Json),
    /// Measure how fast this machine makes copies of recordings of its own, by preset, jobs and threads
    Tune(tune::Tune),
    /// Make the index anew from the ledger; the old one is kept beside it
    Rebuild(Rebuild),
    /// The log of everything that happened, and its proofs
    Ledger(ledger::Ledger),
    /// What this machine has: elements, encoders, fonts, disk
    Doctor(Json),
    /// Make recordings for trials with recvault's own generator
    Generate(generate::Generate),
    #[command(name = "__worker", hide = true)]
    Worker,
    #[command(name = "__generate", hide = true)]
    GenerateWorker,
}

#[derive(Debug, Group)]
pub(super) struct Json {
    /// Print JSON instead of a table
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Group)]
pub(super) struct Init {
    /// Where; an empty folder or one that does not exist yet
    pub dir: PathBuf,
    /// The office's name, for reports
    #[arg(long, default_value = "Market management office")]
    pub office: String,
    /// The office's time zone
    #[arg(long, default_value = "Asia/Shanghai", value_name = "IANA")]
    pub time_zone: String,
    #[command(flatten)]
    pub approvers: Approvers,
}

/// Whose approvals a log takes from its beginning on.
#[derive(Debug, Group)]
pub(super) struct Approvers {
    /// The public keys of two or more approvers of Market Management, as files (id_ed25519.pub).
    /// Without them nothing that takes an approval can ever happen in this store
    #[arg(long, num_args = 2.., value_name = "KEY.pub")]
    pub approver_key: Vec<PathBuf>,
    /// Their user ids on this machine, in the same order. Without them an approver approves only
    /// what people of the roster ask for
    #[arg(long, num_args = 2.., value_name = "UID", requires = "approver_key")]
    pub approver_uid: Vec<u32>,
}

/// How an act that takes a signature gets it.
#[derive(Debug, Group)]
pub(super) struct Signing {
    /// Sign with this key: a file, or a .pub whose key the agent holds. Once for each person
    #[arg(long, value_name = "KEY")]
    pub key: Vec<PathBuf>,
    /// Write what is to be signed to this file, for ssh-keygen and `recvault submit`
    #[arg(long, value_name = "FILE", conflicts_with = "key")]
    pub print: Option<PathBuf>,
}

#[derive(Debug, Group)]
pub(super) struct Why {
    /// The recording's id, or enough of its beginning
    pub id: String,
    /// As of the end of this day, recomputed from the ledger
    #[arg(long, value_name = "DATE")]
    pub as_of: Option<Date>,
    /// Print JSON too
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Group)]
pub(super) struct Hold {
    #[command(subcommand)]
    pub command: HoldCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum HoldCommand {
    /// Place a hold; anybody may, and it counts at once
    Add {
        /// The recording's id, or enough of its beginning
        id: String,
        /// Number of the case
        #[arg(long)]
        case: String,
        /// Why
        #[arg(long)]
        reason: String,
        /// Who asks for it, if not who types
        #[arg(long)]
        requester: Option<String>,
    },
    /// Lift a hold; an approver signs who neither asked for it nor placed it
    Release {
        /// The recording's id, or enough of its beginning
        id: String,
        /// The hold's number
        hold: u32,
        /// Why
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        signing: Signing,
    },
}

#[derive(Debug, Group)]
pub(super) struct Rebuild {
    /// The ledger is lost: make everything anew from sidecars and vault, with every recording on
    /// hold until two people lift it
    #[arg(long)]
    pub without_ledger: bool,
    #[command(flatten)]
    pub approvers: Approvers,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Group)]
pub(super) struct Mirror {
    #[command(subcommand)]
    pub command: MirrorCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum MirrorCommand {
    /// Lay out the mirror that recvault.toml names; once, on an empty folder
    Init,
    /// Where it is, and what waits for it
    Show,
}

#[derive(Debug, Group)]
pub(super) struct Disposal {
    #[command(subcommand)]
    pub command: DisposalCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum DisposalCommand {
    /// List what is due, and put the plan into the ledger to be approved
    Plan {
        /// Only list it
        #[arg(long)]
        dry_run: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// The newest plan, and how far it has come
    Show(Json),
    /// Approve the newest plan; an approver signs who did not make it
    Approve {
        /// The plan's root, or enough of its beginning
        root: String,
        #[command(flatten)]
        signing: Signing,
    },
    /// Carry out what is approved and past its grace; the night does it too
    Apply(Json),
}

#[derive(Debug, Group)]
pub(super) struct Rule {
    #[command(subcommand)]
    pub command: RuleCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum RuleCommand {
    /// Show all three
    Show(Json),
    /// Change the roster to the text in a file; two approvers sign, and it waits
    Roster {
        /// The new roster
        file: PathBuf,
        /// Why
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        signing: Signing,
    },
    /// Adopt the retention policy in a JSON file; two approvers sign
    Policy {
        /// The new policy: `rule show --json` has the one in force
        file: PathBuf,
        /// Why
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        signing: Signing,
    },
    /// Confirm the time; two people sign, one of them an approver
    Clock {
        /// The time in UTC, if not the machine's own
        #[arg(long, value_name = "TIME")]
        confirm: Option<String>,
        /// Why
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        signing: Signing,
    },
}

#[derive(Debug, Group)]
pub(super) struct Submit {
    /// The statement
    pub file: PathBuf,
    /// Its signatures
    #[arg(required = true)]
    pub signatures: Vec<PathBuf>,
    /// The roster or policy that it names
    #[arg(long, value_name = "FILE")]
    pub with: Option<PathBuf>,
}

#[derive(Debug, Group)]
pub(super) struct Registry {
    #[command(subcommand)]
    pub command: RegistryCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum RegistryCommand {
    /// Import a CSV file: record,device,model,officer,name,unit,from,to
    Import {
        /// The file
        file: PathBuf,
        /// Only say what would change
        #[arg(long)]
        dry_run: bool,
        /// Print JSON instead of sentences
        #[arg(long)]
        json: bool,
    },
    /// Show the register
    Show(Json),
}

#[derive(Debug, Group)]
pub(super) struct List {
    /// Of this recorder
    #[arg(long)]
    pub device: Option<String>,
    /// Of this officer
    #[arg(long)]
    pub officer: Option<String>,
    /// Of this day in the office's time zone, such as 2026-11-23
    #[arg(long, value_name = "DATE")]
    pub day: Option<String>,
    /// With --day: up to and including this day
    #[arg(long, value_name = "DATE", requires = "day")]
    pub to: Option<String>,
    /// In this state: admitted, retry, kept, archived
    #[arg(long)]
    pub state: Option<String>,
    /// With a finding of this code, such as video.black
    #[arg(long)]
    pub finding: Option<String>,
    /// Of this kind: video, audio, photo, log, encrypted, other
    #[arg(long)]
    pub kind: Option<String>,
    /// Continue after this cursor
    #[arg(long, value_name = "CURSOR")]
    pub after: Option<String>,
    /// At most so many
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub limit: u32,
    /// Print JSON instead of a table
    #[arg(long)]
    pub json: bool,
    /// Print the ids alone, a line each
    #[arg(long, conflicts_with = "json")]
    pub ids: bool,
}

#[derive(Debug, Group)]
pub(super) struct Show {
    /// The recording's id, or enough of its beginning
    pub id: String,
    /// Print JSON instead of text
    #[arg(long)]
    pub json: bool,
}
