package interop;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Base64;

/** One JSON request a line on stdin, one JSON answer a line on stdout. */
public final class Protocol {
    /** Answers one request. */
    public interface Handler {
        JsonObject handle(JsonObject request) throws Exception;
    }

    private static final Gson GSON =
            new GsonBuilder().serializeNulls().disableHtmlEscaping().create();

    private Protocol() {}

    /** Serves until stdin ends. What the handler throws becomes the answer's `error`. */
    public static void serve(Handler handler) throws IOException {
        PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        // Libraries may print; the answers must stay alone on stdout.
        System.setOut(System.err);
        BufferedReader in =
                new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            JsonObject answer;
            try {
                answer = handler.handle(JsonParser.parseString(line).getAsJsonObject());
            } catch (Exception | LinkageError e) {
                answer = new JsonObject();
                answer.addProperty("error", e.toString());
            }
            out.print(GSON.toJson(answer));
            out.print('\n');
            out.flush();
        }
    }

    public static String text(JsonObject object, String member) {
        JsonElement value = object.get(member);
        return value == null || value.isJsonNull() ? null : value.getAsString();
    }

    public static byte[] bytes(JsonObject object, String member) {
        return Base64.getDecoder().decode(text(object, member));
    }

    public static String base64(byte[] bytes) {
        return Base64.getEncoder().encodeToString(bytes);
    }

    /** An answer with one result for each element of the request's array. */
    public static JsonObject each(JsonArray elements, Handler handler) throws Exception {
        JsonArray results = new JsonArray();
        for (JsonElement element : elements) {
            results.add(handler.handle(element.getAsJsonObject()));
        }
        JsonObject answer = new JsonObject();
        answer.add("results", results);
        return answer;
    }
}
