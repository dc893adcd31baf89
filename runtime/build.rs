//! Names the shared library the way the dynamic linker looks it up.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libdill_rt.so.0");
    // It stays as long as there are threads, which call it when they end.
    println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
}
