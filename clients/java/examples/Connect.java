import com.rolecall.client.FileToken;
import com.rolecall.client.RolecallClient;
import com.rolecall.client.TlsFiles;
import java.nio.file.Path;

/** Connects over TLS with a token, and by the environment: {@code Connect ADDRESS FOLDER}. */
public final class Connect {
  private Connect() {}

  public static void main(String[] arguments) {
    String address = arguments[0];
    Path folder = Path.of(arguments[1]);
    TlsFiles files =
        TlsFiles.of(folder.resolve("ca.pem"))
            .withClient(folder.resolve("client.pem"), folder.resolve("client.key"));
    try (RolecallClient client =
        RolecallClient.builder(address)
            .tls(files)
            .token(new FileToken(Path.of("/var/run/secrets/rolecall/token")))
            .agent("unix:/run/rolecall/agent.sock")
            .build()) {
      System.out.println(client.whoAmI().getIdentity());
    }
    try (RolecallClient client = RolecallClient.fromEnv()) {
      System.out.println(client.whoAmI().getIdentity());
    }
  }
}
