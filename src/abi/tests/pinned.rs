//! The checked-in headers are those that the sources make, and the lists of symbols are right.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::PathBuf;

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn read(name: &str) -> String {
    fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// `make header` runs this with `UPDATE_HEADER` set.
#[test]
fn made_files_are_up_to_date() {
    let symbols: String = exported().iter().map(|line| format!("{line}\n")).collect();
    let made = [
        ("include/libdill_ws.h", include_str!(concat!(env!("OUT_DIR"), "/libdill_ws.h"))),
        ("include/libdill_wsx.h", include_str!(concat!(env!("OUT_DIR"), "/libdill_wsx.h"))),
        ("symbols/libdill_ws.txt", &symbols),
    ];
    for (name, made) in made {
        if env::var_os("UPDATE_HEADER").is_some() {
            fs::write(path(name), made).unwrap();
        }
        assert!(made == read(name), "{name} is not what the sources make: run `make header`");
    }
}

/// The lines of a list, which must be sorted and without repetition.
fn list(name: &str) -> BTreeSet<String> {
    let text = read(name);
    let lines: Vec<_> = text.lines().map(String::from).collect();
    let set: BTreeSet<_> = lines.iter().cloned().collect();
    assert!(lines.iter().eq(&set), "{name} is not sorted");
    set
}

/// What the sources declare as `fn dill_...` and `static dill_...`.
fn declared(source: &str) -> BTreeSet<String> {
    let words: Vec<_> = source.split_whitespace().collect();
    words
        .windows(2)
        .filter_map(|pair| {
            let kind = match pair[0] {
                "fn" => "function",
                "static" => "data",
                _ => return None,
            };
            let name = pair[1].split(['(', ':']).next()?;
            name.starts_with("dill_").then(|| format!("{kind} {name}"))
        })
        .collect()
}

/// What the library exports: libdill's functions under both names.
fn exported() -> BTreeSet<String> {
    let full = declared(&read("src/abi/exports.rs"));
    let raw = full.iter().map(|line| line.replace("dill_", "")).collect();
    let extended = ["extended", "http", "queued"];
    let extended = extended.iter().flat_map(|name| declared(&read(&format!("src/abi/{name}.rs"))));
    &(&full | &raw) | &extended.collect()
}

#[test]
fn host_list_is_what_the_sources_import() {
    assert_eq!(list("symbols/host.txt"), declared(&read("src/abi/host.rs")));
}

#[test]
fn the_runtime_has_all_that_is_imported() {
    assert!(list("symbols/host.txt").is_subset(&list("symbols/libdill_rt.txt")));
}
