//! Without Avro: framings and stores stay, schemas say why there are none.
#![cfg(not(feature = "avro"))]
#![allow(clippy::unwrap_used)]

use kinpack_payload::avro::{
    AvroError, AvroSchema, CachedStore, Framing, MemoryStore, SchemaId, SchemaStore,
};

#[test]
fn framings_are_taken_off_and_schemas_are_disabled() {
    let frame = Framing::Confluent.split(b"\0\0\0\0\x02{}").unwrap();
    assert_eq!((frame.schema_id, frame.payload), (SchemaId::Confluent(2), &b"{}"[..]));
    let error = AvroSchema::parse(r#""long""#).unwrap_err();
    assert_eq!(error, AvroError::Disabled);
    assert_eq!(error.to_string(), "this build has no Avro (feature avro)");
    let store = CachedStore::new(MemoryStore::new());
    let unknown = store.look_up(SchemaId::Confluent(2)).wait().unwrap_err();
    assert_eq!(unknown, AvroError::UnknownSchema(SchemaId::Confluent(2)));
}
