//! Any bytes as the protobuf of an aggregated record: magic and digest are right, or the fuzzer
//! would hardly ever get past them.
#![no_main]

libfuzzer_sys::fuzz_target!(|protobuf: &[u8]| {
    kinpack_fuzz::read::all_ways(&oracle::frame(protobuf));
});
