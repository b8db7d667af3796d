//! What is inside a record: JSON or Avro, maybe compressed. What does not decode is poison.

use serde::de::DeserializeOwned;

use crate::failure::Failure;
use crate::record::{Record, SharedRecord};

impl Record<'_> {
    /// The payload as JSON. With the feature `compression` it may be compressed by gzip, zlib or
    /// zstd, which JSON cannot be mistaken for; what it inflates to is limited as with
    /// [`Decompressor::new`](https://docs.rs/kinpack-payload).
    ///
    /// # Errors
    ///
    /// [`Failure::Poison`]: it does not decode.
    ///
    /// ```
    /// # let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    /// # runtime.block_on(async {
    /// use kinpack_lambda::{Consumer, RawEvent, Reporting};
    /// use lambda_runtime::{Context, LambdaEvent};
    ///
    /// let json = r#"{"Records": [{
    ///     "kinesis": {"partitionKey": "k", "sequenceNumber": "49", "data": "WzEsMiwzXQ=="}
    /// }]}"#;
    /// let event = LambdaEvent::new(RawEvent::from(json), Context::default());
    /// let mut sum = 0;
    /// Consumer::new(Reporting::BatchItemFailures)
    ///     .each(event, async |record| {
    ///         sum += record.json::<Vec<u32>>()?.iter().sum::<u32>();
    ///         Ok(())
    ///     })
    ///     .await?;
    /// assert_eq!(sum, 6);
    /// # Ok::<(), kinpack_lambda::ConsumerError>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        json(self.data())
    }

    /// The payload as one Avro datum, in any of the framings that the reader knows. The schema may
    /// have to be fetched, which is why this is async.
    ///
    /// # Errors
    ///
    /// [`Failure::Retry`]: the schema store could not answer. [`Failure::Poison`]: all else; no
    /// framing, no such schema, no datum of it.
    #[cfg(feature = "avro")]
    pub async fn avro<T: DeserializeOwned>(
        &self,
        reader: &kinpack_payload::avro::AvroReader<impl kinpack_payload::avro::SchemaStore>,
    ) -> Result<T, Failure> {
        avro(self.data(), reader).await
    }
}

impl SharedRecord {
    /// See [`Record::json`].
    ///
    /// # Errors
    ///
    /// [`Failure::Poison`]: it does not decode.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        json(self.data())
    }

    /// See [`Record::avro`].
    ///
    /// # Errors
    ///
    /// See [`Record::avro`].
    #[cfg(feature = "avro")]
    pub async fn avro<T: DeserializeOwned>(
        &self,
        reader: &kinpack_payload::avro::AvroReader<impl kinpack_payload::avro::SchemaStore>,
    ) -> Result<T, Failure> {
        avro(self.data(), reader).await
    }
}

fn json<T: DeserializeOwned>(data: &[u8]) -> Result<T, Failure> {
    #[cfg(feature = "compression")]
    if let Some(codec) = kinpack_payload::detect(data) {
        let text = kinpack_payload::Decompressor::new().decompress(codec, data);
        return serde_json::from_slice(&text.map_err(Failure::poison)?).map_err(Failure::poison);
    }
    serde_json::from_slice(data).map_err(Failure::poison)
}

#[cfg(feature = "avro")]
async fn avro<T: DeserializeOwned>(
    data: &[u8],
    reader: &kinpack_payload::avro::AvroReader<impl kinpack_payload::avro::SchemaStore>,
) -> Result<T, Failure> {
    use kinpack_payload::avro::AvroError;

    let judge = |error| match error {
        AvroError::Store { .. } => Failure::retry(error),
        _ => Failure::poison(error),
    };
    let opened = reader.open_async(data).await.map_err(judge)?;
    let mut opened = opened.ok_or_else(|| Failure::poison("in no Avro framing"))?;
    let datum = opened.next().map_err(judge)?;
    datum.ok_or_else(|| Failure::poison("no Avro datum"))?.read().map_err(judge)
}
