package interop;

import com.amazonaws.services.schemaregistry.common.AWSDeserializerInput;
import com.amazonaws.services.schemaregistry.common.AWSSchemaRegistryClient;
import com.amazonaws.services.schemaregistry.deserializers.GlueSchemaRegistryDeserializationFacade;
import com.amazonaws.services.schemaregistry.serializers.GlueSchemaRegistrySerializationFacade;
import com.google.gson.JsonObject;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.UUID;
import org.apache.avro.Schema;
import org.apache.avro.file.CodecFactory;
import org.apache.avro.file.DataFileReader;
import org.apache.avro.file.DataFileWriter;
import org.apache.avro.file.SeekableByteArrayInput;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;
import org.apache.avro.message.BinaryMessageDecoder;
import org.apache.avro.message.BinaryMessageEncoder;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.services.glue.GlueClient;
import software.amazon.awssdk.services.glue.model.DataFormat;
import software.amazon.awssdk.services.glue.model.GetSchemaVersionResponse;

/** Bare datums into a framing and out of it. */
final class Framed {
    private static final StaticCredentialsProvider NOBODY =
            StaticCredentialsProvider.create(AwsBasicCredentials.create("none", "none"));

    private final Schema schema;
    private final Schema reader;
    private final String framing;
    private final UUID version;

    Framed(JsonObject request) {
        schema = new Schema.Parser().parse(Protocol.text(request, "schema"));
        String text = Protocol.text(request, "reader");
        reader = text == null ? schema : new Schema.Parser().parse(text);
        framing = Protocol.text(request, "framing");
        text = Protocol.text(request, "version");
        version = text == null ? null : UUID.fromString(text);
    }

    /** Each datum framed; a container holds them all. */
    List<byte[]> frame(List<byte[]> datums) throws Exception {
        List<Object> values = new ArrayList<>();
        for (byte[] datum : datums) {
            values.add(new GenericDatumReader<>(schema)
                    .read(null, DecoderFactory.get().binaryDecoder(datum, null)));
        }
        switch (framing) {
            case "null":
            case "deflate":
            case "snappy":
            case "zstandard":
                return List.of(container(values));
            default:
                List<byte[]> framed = new ArrayList<>();
                for (Object value : values) {
                    framed.add(one(value));
                }
                return framed;
        }
    }

    private byte[] one(Object value) throws Exception {
        switch (framing) {
            case "datum":
                return datum(schema, value);
            case "single":
                ByteBuffer single = new BinaryMessageEncoder<>(GenericData.get(), schema).encode(value);
                byte[] bytes = new byte[single.remaining()];
                single.get(bytes);
                return bytes;
            case "glue":
            case "glue-zlib":
                return GlueSchemaRegistrySerializationFacade.builder()
                        .credentialProvider(NOBODY)
                        .configs(configs())
                        .build()
                        .serialize(DataFormat.AVRO, value, version);
            default:
                throw new IllegalArgumentException(framing);
        }
    }

    /** The datums in a payload, as the reader's schema writes them. */
    List<byte[]> unframe(byte[] data) throws Exception {
        switch (framing) {
            case "datum":
                return List.of(datum(reader, new GenericDatumReader<>(schema, reader)
                        .read(null, DecoderFactory.get().binaryDecoder(data, null))));
            case "single":
                BinaryMessageDecoder<Object> decoder = new BinaryMessageDecoder<>(GenericData.get(), reader);
                decoder.addSchema(schema);
                return List.of(datum(reader, decoder.decode(data)));
            case "glue":
            case "glue-zlib":
                return List.of(datum(schema, glue().deserialize(AWSDeserializerInput.builder()
                        .buffer(ByteBuffer.wrap(data)).transportName("stream").build())));
            default:
                List<byte[]> datums = new ArrayList<>();
                try (DataFileReader<Object> file = new DataFileReader<>(
                        new SeekableByteArrayInput(data), new GenericDatumReader<>(null, reader))) {
                    for (Object value : file) {
                        datums.add(datum(reader, value));
                    }
                }
                return datums;
        }
    }

    private byte[] container(List<Object> values) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (DataFileWriter<Object> writer = new DataFileWriter<>(new GenericDatumWriter<>(schema))) {
            writer.setCodec(CodecFactory.fromString(framing));
            writer.create(schema, out);
            for (Object value : values) {
                writer.append(value);
            }
        }
        return out.toByteArray();
    }

    private static byte[] datum(Schema schema, Object value) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        BinaryEncoder encoder = EncoderFactory.get().directBinaryEncoder(out, null);
        new GenericDatumWriter<>(schema).write(value, encoder);
        return out.toByteArray();
    }

    private Map<String, Object> configs() {
        Map<String, Object> configs = new HashMap<>();
        configs.put("region", "us-east-1");
        configs.put("avroRecordType", "GENERIC_RECORD");
        if (framing.equals("glue-zlib")) {
            configs.put("compression", "ZLIB");
        }
        return configs;
    }

    /** The deserializer, with a registry that knows this one schema under any version. */
    private GlueSchemaRegistryDeserializationFacade glue() {
        GlueClient registry = (GlueClient) Proxy.newProxyInstance(
                Framed.class.getClassLoader(), new Class<?>[] {GlueClient.class}, (proxy, method, args) -> {
                    if (!method.getName().equals("getSchemaVersion")) {
                        throw new UnsupportedOperationException(method.getName());
                    }
                    return GetSchemaVersionResponse.builder()
                            .schemaVersionId(version.toString())
                            .schemaDefinition(schema.toString())
                            .dataFormat(DataFormat.AVRO)
                            .schemaArn("arn:aws:glue:us-east-1:123456789012:schema/registry/name")
                            .build();
                });
        return new GlueSchemaRegistryDeserializationFacade(
                configs(), new Properties(), NOBODY, new AWSSchemaRegistryClient(registry));
    }
}
