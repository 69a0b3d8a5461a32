import com.azure.core.credential.TokenRequestContext;
import com.azure.core.util.serializer.JacksonAdapter;
import com.azure.core.util.serializer.SerializerEncoding;
import com.azure.identity.DefaultAzureCredentialBuilder;
import com.azure.storage.blob.BlobContainerClientBuilder;
import java.util.List;
import java.util.Map;

/**
 * Signs in with nothing but the variables that the step exported, and prints as JSON what it could do.
 *
 * <p>Arguments: the address of a blob container.
 */
public final class ExportedIdentity {
  public static void main(String[] arguments) throws Exception {
    var credential = new DefaultAzureCredentialBuilder().build();
    // One credential, asked twice for the same scope.
    var request = new TokenRequestContext().addScopes("https://storage.azure.com/.default");
    var tokens = List.of(
        credential.getTokenSync(request).getToken(),
        credential.getTokenSync(request).getToken());
    var container = new BlobContainerClientBuilder()
        .endpoint(arguments[0])
        .credential(credential)
        .buildClient();
    var blobs = container.listBlobs().stream().map(blob -> blob.getName()).toList();
    System.out.println(JacksonAdapter.createDefaultSerializerAdapter()
        .serialize(Map.of("tokens", tokens, "blobs", blobs), SerializerEncoding.JSON));
  }
}
