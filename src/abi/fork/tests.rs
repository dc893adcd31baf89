use super::*;

#[test]
fn a_generation_lasts() {
    assert_eq!(generation(), generation());
}

#[test]
#[cfg(target_os = "linux")]
#[cfg_attr(miri, ignore = "miri has no processes")]
fn a_child_is_another_generation() {
    let ours = generation().unwrap();
    // SAFETY: the child makes system calls only.
    unsafe {
        let child = libc::syscall(libc::SYS_clone, libc::SIGCHLD, 0, 0, 0, 0) as libc::pid_t;
        if child == 0 {
            libc::_exit(i32::from(generation() == Some(ours)));
        }
        let mut status = -1;
        assert_eq!(libc::waitpid(child, &mut status, 0), child);
        assert_eq!(status, 0);
    }
    assert_eq!(generation(), Some(ours));
}
