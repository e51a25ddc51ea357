//! Names of the system calls that a callback is most likely to make by mistake.

/// Numbers and names on x86-64 Linux, from the kernel's `syscall_64.tbl`.
const NAMES: &[(usize, &str)] = &[
    (0, "read"),
    (1, "write"),
    (2, "open"),
    (3, "close"),
    (5, "fstat"),
    (7, "poll"),
    (8, "lseek"),
    (9, "mmap"),
    (10, "mprotect"),
    (11, "munmap"),
    (12, "brk"),
    (13, "rt_sigaction"),
    (14, "rt_sigprocmask"),
    (15, "rt_sigreturn"),
    (16, "ioctl"),
    (20, "writev"),
    (24, "sched_yield"),
    (25, "mremap"),
    (28, "madvise"),
    (35, "nanosleep"),
    (39, "getpid"),
    (44, "sendto"),
    (45, "recvfrom"),
    (46, "sendmsg"),
    (47, "recvmsg"),
    (56, "clone"),
    (57, "fork"),
    (58, "vfork"),
    (60, "exit"),
    (96, "gettimeofday"),
    (98, "getrusage"),
    (110, "getppid"),
    (157, "prctl"),
    (186, "gettid"),
    (202, "futex"),
    (203, "sched_setaffinity"),
    (228, "clock_gettime"),
    (230, "clock_nanosleep"),
    (231, "exit_group"),
    (234, "tgkill"),
    (257, "openat"),
    (270, "pselect6"),
    (271, "ppoll"),
    (290, "eventfd2"),
    (318, "getrandom"),
    (435, "clone3"),
    (449, "futex_waitv"),
];

/// The name of system call `number`, where it is in the list.
pub(super) fn name(number: usize) -> Option<&'static str> {
    let place = NAMES.binary_search_by_key(&number, |&(number, _)| number);
    place.ok().map(|place| NAMES[place].1)
}

#[cfg(test)]
mod tests {
    use super::{NAMES, name};

    #[test]
    fn the_list_is_in_order_so_that_each_name_is_found() {
        assert!(NAMES.is_sorted_by_key(|&(number, _)| number));
        assert!(
            NAMES
                .iter()
                .all(|&(number, word)| name(number) == Some(word))
        );
        assert_eq!(name(333), None);
    }

    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    #[test]
    fn the_numbers_are_those_of_the_system() {
        let known = [
            (libc::SYS_write, "write"),
            (libc::SYS_futex, "futex"),
            (libc::SYS_getppid, "getppid"),
            (libc::SYS_clock_gettime, "clock_gettime"),
            (libc::SYS_madvise, "madvise"),
            (libc::SYS_getrandom, "getrandom"),
            (libc::SYS_clone3, "clone3"),
            (libc::SYS_futex_waitv, "futex_waitv"),
        ];
        for (number, word) in known {
            assert_eq!(name(usize::try_from(number).unwrap()), Some(word));
        }
    }
}
