package interop;

import com.google.gson.JsonObject;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.zip.Deflater;
import java.util.zip.DeflaterOutputStream;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;
import java.util.zip.Inflater;
import java.util.zip.InflaterInputStream;

import com.github.luben.zstd.ZstdInputStream;
import com.github.luben.zstd.ZstdOutputStream;

/** Java's codecs, Apache Avro and AWS Glue's serializer, as readers and writers of payloads. */
public final class Payload {
    private Payload() {}

    public static void main(String[] args) throws Exception {
        Protocol.serve(Payload::handle);
    }

    private static JsonObject handle(JsonObject request) throws Exception {
        return Protocol.each(request.getAsJsonArray("payloads"), payload -> {
            byte[] data = Protocol.bytes(payload, "data");
            JsonObject result = new JsonObject();
            result.addProperty("data", Protocol.base64(answer(request, data)));
            return result;
        });
    }

    private static byte[] answer(JsonObject request, byte[] data) throws Exception {
        switch (Protocol.text(request, "op")) {
            case "compress":
                return compress(Protocol.text(request, "codec"), data);
            case "decompress":
                return decompress(Protocol.text(request, "codec"), data);
            case "frame":
                return Framed.of(request).frame(data);
            case "unframe":
                return Framed.of(request).unframe(data);
            default:
                throw new IllegalArgumentException("unknown op");
        }
    }

    private static byte[] compress(String codec, byte[] data) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (OutputStream stream = compressing(codec, out)) {
            stream.write(data);
        }
        return out.toByteArray();
    }

    private static OutputStream compressing(String codec, OutputStream out) throws IOException {
        switch (codec) {
            case "gzip":
                return new GZIPOutputStream(out);
            case "zlib":
                return new DeflaterOutputStream(out);
            case "deflate":
                return new DeflaterOutputStream(out, new Deflater(Deflater.DEFAULT_COMPRESSION, true));
            case "zstd":
                return new ZstdOutputStream(out);
            default:
                throw new IllegalArgumentException(codec);
        }
    }

    private static byte[] decompress(String codec, byte[] data) throws IOException {
        InputStream in = new ByteArrayInputStream(data);
        switch (codec) {
            case "gzip":
                return new GZIPInputStream(in).readAllBytes();
            case "zlib":
                return new InflaterInputStream(in).readAllBytes();
            case "deflate":
                return new InflaterInputStream(in, new Inflater(true)).readAllBytes();
            case "zstd":
                return new ZstdInputStream(in).readAllBytes();
            default:
                throw new IllegalArgumentException(codec);
        }
    }
}
