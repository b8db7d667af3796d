package interop;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.List;
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
        JsonArray payloads = request.getAsJsonArray("payloads");
        String codec = Protocol.text(request, "codec");
        byte[] dictionary =
                Protocol.text(request, "dictionary") == null ? null : Protocol.bytes(request, "dictionary");
        switch (Protocol.text(request, "op")) {
            case "compress":
                return Protocol.each(payloads, one -> data(compress(codec, dictionary, Protocol.bytes(one, "data"))));
            case "decompress":
                return Protocol.each(payloads, one -> data(decompress(codec, dictionary, Protocol.bytes(one, "data"))));
            case "frame":
                List<byte[]> datums = new ArrayList<>();
                for (JsonElement one : payloads) {
                    datums.add(Protocol.bytes(one.getAsJsonObject(), "data"));
                }
                JsonObject answer = new JsonObject();
                answer.add("results", list(new Framed(request).frame(datums)));
                return answer;
            case "unframe":
                Framed framed = new Framed(request);
                return Protocol.each(payloads, one -> {
                    JsonObject result = new JsonObject();
                    result.add("datums", list(framed.unframe(Protocol.bytes(one, "data"))));
                    return result;
                });
            default:
                throw new IllegalArgumentException("unknown op");
        }
    }

    private static JsonObject data(byte[] bytes) {
        JsonObject result = new JsonObject();
        result.addProperty("data", Protocol.base64(bytes));
        return result;
    }

    private static JsonArray list(List<byte[]> all) {
        JsonArray list = new JsonArray();
        for (byte[] bytes : all) {
            list.add(data(bytes));
        }
        return list;
    }

    private static byte[] compress(String codec, byte[] dictionary, byte[] data) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (OutputStream stream = compressing(codec, dictionary, out)) {
            stream.write(data);
        }
        return out.toByteArray();
    }

    private static OutputStream compressing(String codec, byte[] dictionary, OutputStream out)
            throws IOException {
        switch (codec) {
            case "gzip":
                return new GZIPOutputStream(out);
            case "zlib":
                return new DeflaterOutputStream(out);
            case "deflate":
                return new DeflaterOutputStream(out, new Deflater(Deflater.DEFAULT_COMPRESSION, true));
            case "zstd":
                ZstdOutputStream zstd = new ZstdOutputStream(out);
                return dictionary == null ? zstd : zstd.setDict(dictionary);
            default:
                throw new IllegalArgumentException(codec);
        }
    }

    private static byte[] decompress(String codec, byte[] dictionary, byte[] data) throws IOException {
        InputStream in = new ByteArrayInputStream(data);
        switch (codec) {
            case "gzip":
                return new GZIPInputStream(in).readAllBytes();
            case "zlib":
                return new InflaterInputStream(in).readAllBytes();
            case "deflate":
                return new InflaterInputStream(in, new Inflater(true)).readAllBytes();
            case "zstd":
                ZstdInputStream zstd = new ZstdInputStream(in);
                return (dictionary == null ? zstd : zstd.setDict(dictionary)).readAllBytes();
            default:
                throw new IllegalArgumentException(codec);
        }
    }
}
