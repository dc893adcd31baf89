#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| dill_ws_fuzz::client_response_head::run(data));
