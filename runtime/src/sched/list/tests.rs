use super::*;

fn drain(list: &List) -> Vec<*const Link> {
    let mut members = Vec::new();
    while let Some(link) = list.first() {
        members.push(link.as_ptr().cast_const());
        // SAFETY: members of the list are alive.
        unsafe { link.as_ref() }.unlink();
    }
    members
}

#[test]
fn keeps_order_and_lets_anyone_leave() {
    let links: [Link; 4] = core::array::from_fn(|_| Link::new());
    let list = List::new();
    assert!(list.is_empty());
    for link in &links {
        // SAFETY: links and list live to the end of the test and do not move.
        unsafe { list.push_back(NonNull::from(link)) };
    }
    links[1].unlink();
    links[1].unlink();
    links[3].unlink();
    assert_eq!(drain(&list), [&raw const links[0], &raw const links[2]]);
    assert!(list.is_empty());
    // SAFETY: as above; the link has left the list.
    unsafe { list.push_back(NonNull::from(&links[1])) };
    assert_eq!(drain(&list), [&raw const links[1]]);
}
