//! seccomp: which calls the kernel answers at all. Whatever is not listed fails as if it were not
//! permitted; the kernel itself keeps the list, for every thread that is started from now on.

use std::collections::BTreeMap;

use libc::{
    CLONE_NEWCGROUP, CLONE_NEWIPC, CLONE_NEWNET, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWUSER,
    CLONE_NEWUTS, CLONE_THREAD, ENOSYS, EPERM, FIONREAD, O_ACCMODE, O_RDONLY, O_RDWR, O_TRUNC,
    O_WRONLY, PR_GET_NAME, PR_SET_NAME, PR_SET_VMA, TCGETS,
};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch, apply_filter,
};

type Error = Box<dyn std::error::Error>;

/// Calls that are answered whatever their arguments: on descriptors that are open, on the process's own
/// memory, threads, signals and clocks. Of files only those that Landlock judges.
const ALLOWED: &[libc::c_long] = &[
    // Descriptors.
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_readv,
    libc::SYS_writev,
    libc::SYS_pread64,
    libc::SYS_pwrite64,
    libc::SYS_preadv,
    libc::SYS_pwritev,
    libc::SYS_lseek,
    libc::SYS_close,
    libc::SYS_close_range,
    libc::SYS_dup,
    libc::SYS_dup3,
    libc::SYS_fstat,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    libc::SYS_fstatfs,
    libc::SYS_ftruncate,
    libc::SYS_fallocate,
    libc::SYS_fadvise64,
    libc::SYS_fsync,
    libc::SYS_fdatasync,
    libc::SYS_getdents64,
    libc::SYS_copy_file_range,
    libc::SYS_sendfile,
    libc::SYS_pipe2,
    libc::SYS_eventfd2,
    libc::SYS_timerfd_create,
    libc::SYS_timerfd_settime,
    libc::SYS_ppoll,
    libc::SYS_pselect6,
    libc::SYS_epoll_create1,
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    // Names, all of them judged by Landlock or telling nothing.
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    libc::SYS_readlinkat,
    libc::SYS_unlinkat,
    libc::SYS_getcwd,
    libc::SYS_umask,
    // Memory.
    libc::SYS_brk,
    libc::SYS_mmap,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_mprotect,
    libc::SYS_madvise,
    libc::SYS_mincore,
    libc::SYS_mlock,
    libc::SYS_munlock,
    libc::SYS_msync,
    libc::SYS_membarrier,
    libc::SYS_get_mempolicy,
    libc::SYS_set_mempolicy,
    libc::SYS_mbind,
    libc::SYS_getrandom,
    // Threads and their signals.
    libc::SYS_futex,
    libc::SYS_set_robust_list,
    libc::SYS_rseq,
    libc::SYS_set_tid_address,
    libc::SYS_gettid,
    libc::SYS_getpid,
    libc::SYS_getppid,
    libc::SYS_getuid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getegid,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_restart_syscall,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_getparam,
    libc::SYS_sched_getscheduler,
    libc::SYS_sched_getattr,
    libc::SYS_getcpu,
    // Answered by the second filter.
    libc::SYS_clone3,
    // What the machine is, and what time.
    libc::SYS_uname,
    libc::SYS_sysinfo,
    libc::SYS_times,
    libc::SYS_getrusage,
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_gettimeofday,
];

/// Those of an older kind, which x86-64 still has and some libraries use.
#[cfg(target_arch = "x86_64")]
const ALLOWED_OLDER: &[libc::c_long] = &[
    libc::SYS_stat,
    libc::SYS_lstat,
    libc::SYS_access,
    libc::SYS_readlink,
    libc::SYS_unlink,
    libc::SYS_dup2,
    libc::SYS_pipe,
    libc::SYS_poll,
    libc::SYS_select,
    libc::SYS_epoll_wait,
    libc::SYS_time,
    libc::SYS_arch_prctl,
];
#[cfg(not(target_arch = "x86_64"))]
const ALLOWED_OLDER: &[libc::c_long] = &[];

/// Puts the list in force.
pub(super) fn restrict() -> Result<(), Error> {
    let arch = TargetArch::try_from(std::env::consts::ARCH)?;
    let filter = |rules, otherwise, then| -> Result<BpfProgram, Error> {
        Ok(SeccompFilter::new(rules, otherwise, then, arch)?.try_into()?)
    };
    let refused = SeccompAction::Errno(EPERM as u32);
    let allowed = filter(rules()?, refused, SeccompAction::Allow)?;
    // Its flags lie in memory, where no filter can look. Libraries then take the call it came after.
    let unknown = SeccompAction::Errno(ENOSYS as u32);
    let newer = BTreeMap::from([(libc::SYS_clone3, vec![])]);
    let newer = filter(newer, SeccompAction::Allow, unknown)?;
    // Behind the second no third could be put in force.
    apply_filter(&newer)?;
    apply_filter(&allowed)?;
    Ok(())
}

fn rules() -> Result<BTreeMap<i64, Vec<SeccompRule>>, Error> {
    let all = ALLOWED.iter().chain(ALLOWED_OLDER);
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = all.map(|call| (*call, vec![])).collect();
    // A thread, and neither another process nor another view of the machine.
    let spaces = CLONE_NEWNS
        | CLONE_NEWCGROUP
        | CLONE_NEWUTS
        | CLONE_NEWIPC
        | CLONE_NEWUSER
        | CLONE_NEWPID
        | CLONE_NEWNET;
    let thread = masked(0, CLONE_THREAD | spaces, CLONE_THREAD)?;
    rules.insert(libc::SYS_clone, vec![SeccompRule::new(vec![thread])?]);
    // Versions of Landlock before the third let whoever may read a file empty it, and none judges the
    // fourth way of opening, which neither reads nor writes but wakes a device's driver.
    let open = |flags: u8| -> Result<Vec<SeccompRule>, Error> {
        let ways = [
            masked(flags, O_ACCMODE | O_TRUNC, O_RDONLY)?,
            masked(flags, O_ACCMODE, O_WRONLY)?,
            masked(flags, O_ACCMODE, O_RDWR)?,
        ];
        let rules = ways.into_iter().map(|way| SeccompRule::new(vec![way]));
        Ok(rules.collect::<Result<_, _>>()?)
    };
    rules.insert(libc::SYS_openat, open(2)?);
    #[cfg(target_arch = "x86_64")]
    rules.insert(libc::SYS_open, open(1)?);
    // Whether it is a terminal, and how much there is to read.
    let asks = [TCGETS as i32, FIONREAD as i32].map(|what| masked(1, -1, what));
    rules.insert(libc::SYS_ioctl, either(asks)?);
    // A pair of pipes for itself.
    let pair = [masked(0, -1, libc::AF_UNIX)];
    rules.insert(libc::SYS_socketpair, either(pair)?);
    // The name of a thread and of a stretch of memory.
    let names = [PR_SET_NAME, PR_GET_NAME, PR_SET_VMA].map(|what| masked(0, -1, what));
    rules.insert(libc::SYS_prctl, either(names)?);
    let flags = [
        libc::F_GETFD,
        libc::F_SETFD,
        libc::F_GETFL,
        libc::F_SETFL,
        libc::F_DUPFD_CLOEXEC,
    ];
    rules.insert(
        libc::SYS_fcntl,
        either(flags.map(|what| masked(1, -1, what)))?,
    );
    // To look at its own bounds, and not to move them.
    let looks = vec![masked(0, -1, 0)?, whole(2, 0)?];
    rules.insert(libc::SYS_prlimit64, vec![SeccompRule::new(looks)?]);
    // `abort` sends a signal to its own thread.
    let own = i32::try_from(std::process::id())?;
    rules.insert(libc::SYS_tgkill, either([masked(0, -1, own)])?);
    Ok(rules)
}

/// One of these conditions.
fn either<const N: usize>(
    ways: [Result<SeccompCondition, Error>; N],
) -> Result<Vec<SeccompRule>, Error> {
    ways.into_iter()
        .map(|way| Ok(SeccompRule::new(vec![way?])?))
        .collect()
}

/// That these bits of an argument are those.
fn masked(argument: u8, mask: i32, bits: i32) -> Result<SeccompCondition, Error> {
    let word = |n: i32| u64::from(n.cast_unsigned());
    let operator = SeccompCmpOp::MaskedEq(word(mask));
    let length = SeccompCmpArgLen::Dword;
    Ok(SeccompCondition::new(
        argument,
        length,
        operator,
        word(bits),
    )?)
}

/// That an argument is this.
fn whole(argument: u8, value: u64) -> Result<SeccompCondition, Error> {
    let length = SeccompCmpArgLen::Qword;
    Ok(SeccompCondition::new(
        argument,
        length,
        SeccompCmpOp::Eq,
        value,
    )?)
}
