//! Names the shared library the way the dynamic linker looks it up.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libdill_rt.so.0");
}
