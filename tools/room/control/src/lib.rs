//! Each line with `FOUND` behind it needs memory, and tools/room.py must find it. `UNUSED` stands where a
//! remark has nothing under it. No other line is to be found.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, VecDeque};
use std::ffi::CString;
use std::rc::Rc;
use std::sync::Arc;

thread_local! { // FOUND
    static OWNER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

// ROOM: it has no destructor.
thread_local! {
    static PLAIN: Cell<u8> = const { Cell::new(0) };
}

pub fn vectors(bytes: &[u8]) -> Vec<u8> {
    let mut vector: Vec<u8> = Vec::with_capacity(1); // FOUND
    vector.push(1); // FOUND
    vector.insert(0, 1); // FOUND
    vector.append(&mut vec![1]); // FOUND
    vector.extend_from_slice(bytes); // FOUND
    vector.extend_from_within(..); // FOUND
    vector.extend(bytes); // FOUND
    vector.reserve(1); // FOUND
    vector.reserve_exact(1); // FOUND
    vector.resize(9, 0); // FOUND
    vector.sort(); // FOUND
    vector.sort_by(u8::cmp); // FOUND
    vector.sort_by_key(|byte| *byte); // FOUND
    vector.sort_by_cached_key(|byte| *byte); // FOUND
    vector.sort_unstable();
    vector.resize_with(9, Default::default); // FOUND
    vector.shrink_to(1); // FOUND
    vector.shrink_to_fit(); // FOUND
    let tail = vector.split_off(1); // FOUND
    let _: Box<[u8]> = tail.into_boxed_slice(); // FOUND
    let _: Vec<u8> = bytes.to_vec(); // FOUND
    let _: Vec<u8> = bytes.to_owned(); // FOUND
    let _: Vec<u8> = bytes.repeat(2); // FOUND
    let _: Vec<u8> = [bytes, bytes].concat(); // FOUND
    let _: Vec<u8> = [bytes, bytes].join(&0); // FOUND
    let _: Vec<u8> = bytes.iter().copied().collect(); // FOUND
    let _: (Vec<u8>, Vec<u8>) = bytes.iter().map(|byte| (*byte, *byte)).unzip(); // FOUND
    vector
}

pub fn texts(text: &str) -> String {
    let mut string = String::with_capacity(1); // FOUND
    string.push('a'); // FOUND
    string.push_str(text); // FOUND
    string.insert(0, 'a'); // FOUND
    string.insert_str(0, text); // FOUND
    string.reserve(1); // FOUND
    let _ = text.to_string(); // FOUND
    let _ = text.to_owned(); // FOUND
    let _ = text.repeat(2); // FOUND
    let _ = text.replace('a', "b"); // FOUND
    let _ = text.to_lowercase(); // FOUND
    let _ = text.to_uppercase(); // FOUND
    let _ = CString::new(text); // FOUND
    println!("{text}"); // FOUND
    eprintln!("{text}"); // FOUND
    format!("{text}{string}") // FOUND
}

pub fn owners() {
    let _ = Box::new(1); // FOUND
    let _ = Box::pin(1); // FOUND
    let _ = Rc::new(1); // FOUND
    let _ = Arc::new(1); // FOUND
    let _ = std::thread::spawn(|| ()); // FOUND
    let _ = std::thread::Builder::new().spawn(|| ()); // FOUND
    let _ = std::sync::mpsc::channel::<u8>(); // FOUND
    let _ = std::sync::mpsc::sync_channel::<u8>(1); // FOUND
    OWNER.with(|_| ());
    PLAIN.with(|_| ());
}

pub fn collections() {
    let mut deque = VecDeque::with_capacity(1); // FOUND
    deque.push_back(1); // FOUND
    deque.push_front(1); // FOUND
    deque.insert(0, 1); // FOUND
    deque.reserve(1); // FOUND
    deque.resize(9, 1); // FOUND
    deque.append(&mut VecDeque::new()); // FOUND
    let mut heap = BinaryHeap::with_capacity(1); // FOUND
    heap.push(1); // FOUND
    heap.reserve(1); // FOUND
    heap.append(&mut BinaryHeap::new()); // FOUND
    let mut map = HashMap::with_capacity(1); // FOUND
    map.insert(1, 1); // FOUND
    map.entry(1).or_insert(1); // FOUND
    map.reserve(1); // FOUND
    let mut set = HashSet::with_capacity(1); // FOUND
    set.insert(1); // FOUND
    let mut map = BTreeMap::new();
    map.insert(1, 1); // FOUND
    map.entry(1).or_insert(1); // FOUND
    let mut set = BTreeSet::new();
    set.insert(1); // FOUND
}

pub fn with_room(bytes: &mut Vec<u8>) -> Option<()> {
    bytes.try_reserve(2).ok()?;
    // ROOM: reserved just before.
    bytes.push(1);
    // Another remark about the same call may stand behind it.
    // ROOM: reserved just before.
    // It is found all the same.
    bytes.push(2);
    // ROOM: there is nothing that needs it. UNUSED
    bytes.pop().map(drop)
}
