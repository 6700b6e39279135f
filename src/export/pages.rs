//! The papers of a package: a page that plays it from the disk, how to check it, and a receipt to
//! sign. In Chinese and English, for whoever receives it may read only one of the two.

use std::io;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{Bag, ExportSettings, can_be_shown, excerpt, package_name, sheet};
use crate::{
    base::{
        RecordingId,
        text::{bytes_human, name_human},
    },
    custody::{
        Kind,
        request::{Form, stretches},
    },
    recording::Record,
    store::Spent,
};

/// Adds `index.html`, `VERIFY.txt` and `receipt.txt`.
pub(super) fn add(
    settings: &ExportSettings,
    spent: &Spent,
    records: &[Record],
    bag: &mut Bag,
) -> io::Result<()> {
    let extension = &settings.plan.extension;
    let showing = Showing {
        policy: Some(
            "default-src 'none'; style-src 'unsafe-inline'; media-src 'self' file:; img-src 'self' file:; base-uri 'none'; form-action 'none'",
        ),
        sheet: &|id| {
            let name = sheet::name(id);
            bag.has_payload(&name).then(|| format!("data/{name}"))
        },
        player: &|id| format!("data/{id}.{extension}"),
    };
    let index = page(settings, spent, records, &showing);
    bag.add_tag("index.html", index.as_bytes())?;
    bag.add_tag("VERIFY.txt", verify(spent, records, bag).as_bytes())?;
    bag.add_tag("receipt.txt", receipt(settings, spent, records).as_bytes())
}

/// Label in Chinese and English, and value.
type Row = (&'static str, String);

fn facts(settings: &ExportSettings, spent: &Spent) -> Vec<Row> {
    let ask = &spent.access.request.ask;
    let form = match ask.form {
        Form::View => "查看 view",
        Form::Copy => "带标记的副本 marked copy",
        Form::Original if ask.recordings.iter().any(|w| w.seconds.is_some()) => {
            "带标记的副本与原件节选 marked copy and excerpt of the original"
        }
        Form::Original => "带标记的副本与原件 marked copy and original",
    };
    let mut rows = vec![
        ("单位 Office", settings.office.clone()),
        ("编号 Package", package_name(spent.id)),
        ("接收人 Recipient", ask.recipient.clone()),
        ("用途 Purpose", ask.purpose.clone()),
        ("内容 Form", form.to_owned()),
        ("申请人 Requested by", ask.requester.clone()),
        ("批准人 Approved by", spent.access.approvers().join(", ")),
        ("经办人 Made by", spent.operator.to_string()),
        ("时间 Made at", spent.at.in_zone(&settings.zone)),
        (
            "申请书摘要 Request SHA-256",
            spent.access.digest.to_string(),
        ),
    ];
    if spent.access.break_glass {
        let said = "两人紧急开启，未经通常批准 opened by two people in an emergency, without the usual approval";
        rows.insert(0, ("紧急查阅 BREAK-GLASS", said.to_owned()));
    }
    rows
}

fn about(settings: &ExportSettings, spent: &Spent, record: &Record) -> Vec<Row> {
    let wanted = &spent.access.request.ask.recordings;
    let wanted = wanted.iter().find(|w| w.id == record.id);
    let part = match wanted.and_then(|w| w.seconds) {
        Some(seconds) => format!("第 {seconds} 秒 seconds {seconds} of it"),
        None => "全部 all of it".to_owned(),
    };
    let disclosed = wanted.map_or(&[][..], |w| &w.discloses);
    let part = match disclosed {
        [] => part,
        all => format!(
            "{part}；原件节选显示第 {0} 秒 its excerpt discloses seconds {0}",
            stretches(all)
        ),
    };
    let attribution = &record.attribution;
    let said = |v: Option<&String>| v.cloned().unwrap_or_else(|| "未知 unknown".into());
    let began = attribution.started_at.as_ref();
    vec![
        ("录像 Recording", record.id.to_string()),
        ("范围 Part", part),
        ("文件名 Name", name_human(record.name())),
        (
            "记录仪 Recorder",
            said(attribution.device.as_ref().map(|v| &v.value)),
        ),
        (
            "执法人员 Officer",
            said(attribution.officer.as_ref().map(|v| &v.value)),
        ),
        (
            "开始 Began",
            began.map_or_else(
                || "未知 unknown".into(),
                |v| format!("{} ({})", v.value.in_zone(&settings.zone), v.source.words()),
            ),
        ),
        ("大小 Size of the original", bytes_human(record.bytes)),
        ("原件 Original SHA-256", record.digest.to_string()),
    ]
}

const STYLE: &str = "body{font:16px/1.5 system-ui,'Noto Sans CJK SC','WenQuanYi Micro Hei',sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a;background:#fff}\
h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2.5rem}video,audio{width:100%;background:#000;border-radius:4px}\
img{max-width:100%;border-radius:4px;margin-bottom:1rem}table{border-collapse:collapse;width:100%;margin:1rem 0}th{text-align:left;font-weight:600;padding:.3rem 1rem .3rem 0;vertical-align:top;white-space:nowrap}\
td{padding:.3rem 0;overflow-wrap:anywhere}tr{border-bottom:1px solid #ddd}p.note{color:#555}";

fn table(rows: &[Row]) -> Markup {
    html! {
        table { @for (label, value) in rows { tr { th { (label) } td { (visible(value)) } } } }
    }
}

/// A name from outside, without what no reader sees.
fn visible(text: &str) -> String {
    let shown = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    text.chars().map(shown).collect()
}

/// The page on which a use is looked at. Its policy stands in a header.
pub(super) fn viewing(
    settings: &ExportSettings,
    spent: &Spent,
    records: &[Record],
    has_sheet: &dyn Fn(RecordingId) -> bool,
) -> String {
    let showing = Showing {
        policy: None,
        sheet: &|id| has_sheet(id).then(|| format!("/sheet/{id}")),
        player: &|id| format!("/copy/{id}"),
    };
    page(settings, spent, records, &showing)
}

/// Where the page finds what it shows.
struct Showing<'a> {
    /// What the page may load, where nobody says so by a header.
    policy: Option<&'a str>,
    /// The contact sheet, where there is one.
    sheet: &'a dyn Fn(RecordingId) -> Option<String>,
    /// The copy.
    player: &'a dyn Fn(RecordingId) -> String,
}

fn page(
    settings: &ExportSettings,
    spent: &Spent,
    records: &[Record],
    showing: &Showing<'_>,
) -> String {
    let viewing = showing.policy.is_none();
    let page = html! {
        (DOCTYPE)
        html lang="zh" {
            head {
                meta charset="utf-8";
                @if let Some(policy) = showing.policy {
                    meta http-equiv="Content-Security-Policy" content=(policy);
                }
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (package_name(spent.id)) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { "执法记录 · Recordings of " (visible(&settings.office)) }
                @if viewing {
                    form method="post" action="/close" { button { "关闭 Close" } }
                }
                (table(&facts(settings, spent)))
                @for record in records {
                    h2 { "录像 Recording " (record.id) }
                    @if let Some(sheet) = (showing.sheet)(record.id) {
                        img src=(sheet) alt="缩略图 contact sheet";
                    }
                    @if can_be_shown(record) {
                        video controls preload="metadata" controlslist=[viewing.then_some("nodownload")] src=((showing.player)(record.id)) {}
                    } @else {
                        p.note { "此文件无法播放，未附副本。 Nothing in it can be played; there is no copy of it here." }
                    }
                    (table(&about(settings, spent, record)))
                }
                @if viewing {
                    p.note {
                        "每次播放均记入台账；画面上方的文字与条码标明观看人、批准人和日期。" br;
                        "Whatever is played here is logged. The line above the picture names recipient, approval and day, and its code this very view."
                    }
                } @else { p.note {
                    "画面上方的文字与条码标明接收人、批准人和日期；如何核验见 VERIFY.txt。" br;
                    "The line above the picture names recipient, approval and day, and its code this very package. VERIFY.txt says how to check everything here with tools that every computer has."
                } }
            }
        }
    };
    page.into_string()
}

fn verify(spent: &Spent, records: &[Record], bag: &Bag) -> String {
    let name = package_name(spent.id);
    let people = spent.access.approvers();
    let namespace = match spent.access.break_glass {
        true => Kind::BreakGlass.namespace(),
        false => Kind::Approval.namespace(),
    };
    let mut out = format!(
        "如何核验 {name}   HOW TO CHECK {name}\n\
         \n\
         所需工具 Needed: sha256sum, ssh-keygen, python3 (with openssl). Run this in the package's folder.\n\
         \n\
         1. 文件未被改动 Nothing in the package was changed\n\
         \n\
         \x20  sha256sum --strict -c manifest-sha256.txt tagmanifest-sha256.txt\n\
         \n\
         2. 台账记录了这个包 The office's log knows this very package\n\
         \n\
         \x20  python3 proof/verify.py inclusion ../{name}.proof ../{name}.event \"$(cat proof/log.vkey)\"\n\
         \x20  grep \"$(sha256sum < tagmanifest-sha256.txt | cut -d' ' -f1)\" ../{name}.event\n\
         \n\
         （proof/log.vkey 必须与该单位公布的一致） The key in proof/log.vkey must be the one that the office published.\n\
         \n\
         3. 有人批准 Somebody approved it\n\n"
    );
    if spent.access.break_glass {
        out.push_str(
            "紧急查阅：由下列两人开启，并非通常批准。 BREAK-GLASS: these two people opened it in an emergency; it is no usual approval.\n\n",
        );
    }
    for person in people {
        out.push_str(&format!(
            "   ssh-keygen -Y verify -f proof/allowed_signers -I {person} -n {namespace} -s proof/approval-{person}.sig < proof/approval.txt\n"
        ));
    }
    out.push_str(
        "   grep \"target: $(sha256sum < proof/request.txt | cut -d' ' -f1)\" proof/approval.txt\n\
         \x20  python3 proof/verify.py inclusion proof/approval.proof proof/approval.event \"$(cat proof/log.vkey)\"\n\
         \n\
         4. 原件入库时已登记 The originals were logged when they came in\n\n",
    );
    for record in records {
        let id = record.id;
        out.push_str(&format!(
            "   python3 proof/verify.py inclusion proof/{id}.proof proof/{id}.event \"$(cat proof/log.vkey)\"\n"
        ));
        let excerpt = excerpt::name_begins(id);
        if let Some(file) = bag.payload_that_begins(&excerpt) {
            out.push_str(&format!(
                "   python3 proof/verify.py excerpt {file} {} proof/{id}.event\n",
                excerpt::proof_name(id)
            ));
        } else if spent.access.request.ask.form == Form::Original {
            out.push_str(&format!(
                "   grep \"$(sha256sum < data/{id}.original | cut -d' ' -f1)\" proof/{id}.event\n"
            ));
        }
    }
    out.push_str(&format!(
        "\n5. 见证人也看到了同一台账 A witness has seen the same log (where {name}.witnessed lies beside)\n\
         \n\
         \x20  for p in ../{name}.witnessed/*.proof; do [ -e \"$p\" ] || continue; e=proof/$(basename \"$p\" .proof).event; [ -e \"$e\" ] || e=../{name}.event; python3 proof/verify.py inclusion \"$p\" \"$e\" \"$(cat proof/log.vkey)\" ${{WITNESS:+--witness \"$WITNESS\"}} || exit 1; done\n\
         \n\
         （WITNESS 为见证人公布的公钥） Set WITNESS to the key that the witness published; each line then says cosigned.\n"
    ));
    out.push_str(
        "\n每条命令都应成功。 Every command must succeed; the last word of each says so.\n",
    );
    out
}

fn receipt(settings: &ExportSettings, spent: &Spent, records: &[Record]) -> String {
    let mut out = "收据 RECEIPT\n\n".to_owned();
    for (label, value) in facts(settings, spent) {
        out.push_str(&format!("{label}: {value}\n"));
    }
    out.push('\n');
    for record in records {
        for (label, value) in about(settings, spent, record) {
            out.push_str(&format!("{label}: {value}\n"));
        }
        out.push('\n');
    }
    out.push_str(
        "本人收到上述资料，未经批准不复制、不传播。\n\
         I have received the above, and will neither copy nor pass it on without approval.\n\
         \n\
         签名 Signature: ______________________    日期 Date: ______________\n",
    );
    out
}
