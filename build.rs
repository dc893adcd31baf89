//! Makes the C header and links the shared library.

use std::env;
use std::error::Error;
use std::io::ErrorKind;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

/// What the host has to provide, and nothing else.
const HOST: &str = "symbols/host.txt";
const IMPORT_LIBRARY: &str = "tools/import-library.sh";

/// A header, how it is made, and of what.
const HEADERS: [(&str, &str, &[&str]); 2] = [
    ("libdill_ws.h", "cbindgen.toml", &["src/abi/exports.rs"]),
    (
        "libdill_wsx.h",
        "cbindgen-wsx.toml",
        &[
            "src/abi/extended.rs",
            "src/abi/http.rs",
            "src/abi/queued.rs",
            "src/abi/options.rs",
            "src/abi/info.rs",
        ],
    ),
];

fn main() -> Result<(), Box<dyn Error>> {
    for path in ["build.rs", HOST, IMPORT_LIBRARY] {
        println!("cargo:rerun-if-changed={path}");
    }
    let out = env::var("OUT_DIR")?;
    let out = Path::new(&out);
    for (name, config, sources) in HEADERS {
        header(&out.join(name), config, sources)?;
    }
    link(&out.join("libdill_rt.so"))?;
    name_results(out)
}

/// Makes a header from the exported functions. `src/abi/tests/pinned.rs` compares it with the one
/// that is checked in.
fn header(output: &Path, config: &str, sources: &[&str]) -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed={config}");
    let mut config = cbindgen::Config::from_file(config)?;
    let mut functions = String::new();
    let mut builder = cbindgen::Builder::new();
    for source in sources {
        println!("cargo:rerun-if-changed={source}");
        functions += &std::fs::read_to_string(source)?;
        builder = builder.with_src(source);
    }
    let macros = macros(&functions);
    config.after_includes = config.after_includes.map(|text| text.replace("FUNCTIONS", &macros));
    let mut text = Vec::new();
    builder.with_config(config).generate()?.write(&mut text);
    std::fs::write(output, for_c(&String::from_utf8(text)?))?;
    Ok(())
}

/// What the comments say to whoever calls from Rust is left out.
fn for_c(header: &str) -> String {
    let mut parts = header.split("\n\n # Safety\n");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        let comment_end = part.find("\n */").unwrap_or_default();
        text + &part[comment_end..]
    })
}

/// A macro for each function that begins with `dill_`, so that it has its plain name in C.
fn macros(exports: &str) -> String {
    let functions =
        exports.split("extern \"C\" fn ").skip(1).filter_map(|rest| rest.split('(').next());
    let macros = functions
        .filter_map(|full| full.strip_prefix("dill_").map(|raw| format!("#define {raw} {full}")));
    macros.collect::<Vec<_>>().join("\n")
}

/// Names the shared library `libdill_ws.so.0` and has it load `libdill_rt.so.0`.
///
/// The runtime is not built yet when this package is, and the host may be another one. So what is
/// linked is an import library, which names the host's symbols and no others: with `-z defs` every
/// other import that is nobody's is an error.
fn link(runtime: &Path) -> Result<(), Box<dyn Error>> {
    // The target's compiler, which is another one than the machine's in a cross build.
    let compiler = cc::Build::new().try_get_compiler()?;
    let status = Command::new("sh")
        .env("CC", compiler.path())
        .arg(IMPORT_LIBRARY)
        .arg(runtime)
        .args(["libdill_rt.so.0", HOST])
        .status()?;
    if !status.success() {
        return Err(format!("{IMPORT_LIBRARY}: {status}").into());
    }
    let runtime = runtime.display().to_string();
    for arg in [
        "-Wl,-soname,libdill_ws.so.0",
        // Where it is preloaded or loaded by its path, the runtime is found beside it.
        "-Wl,-rpath,$ORIGIN",
        "-Wl,-z,defs",
        // What ends with a thread is in it, and thread-specific keys do not keep a library loaded.
        "-Wl,-z,nodelete",
        "-Wl,--no-as-needed",
        &runtime,
        "-Wl,--as-needed",
    ] {
        println!("cargo:rustc-cdylib-link-arg={arg}");
    }
    Ok(())
}

/// Gives the results of a plain `cargo build` the names that they are looked up by at run time:
/// `target/release/libdill_ws.so` can be loaded from where it is.
fn name_results(out: &Path) -> Result<(), Box<dyn Error>> {
    // OUT_DIR is target/release/build/dill_ws-.../out.
    let results = out.ancestors().nth(3).ok_or("OUT_DIR is not where cargo has it")?;
    for library in ["libdill_ws.so", "libdill_rt.so"] {
        match symlink(library, results.join(format!("{library}.0"))) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error.into()),
            _ => {}
        }
    }
    Ok(())
}
