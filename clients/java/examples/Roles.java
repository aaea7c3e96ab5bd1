import com.rolecall.client.ApplyOptions;
import com.rolecall.client.NotFoundException;
import com.rolecall.client.ResyncRequiredException;
import com.rolecall.client.RoleWatch;
import com.rolecall.client.RolecallClient;
import com.rolecall.client.WatchEvent;
import com.rolecall.client.WatchOptions;
import com.rolecall.v1.ChangeKind;
import com.rolecall.v1.DeleteRoleRequest;
import com.rolecall.v1.ListRolesRequest;
import com.rolecall.v1.Role;
import com.rolecall.v1.RoleDeclaration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Writes roles, and follows their changes: {@code Roles ADDRESS}. */
public final class Roles {
  private static final String POLICY =
      """
      {"Version": "1", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"RAM": "acs:ram::123456789012:user/alice"}}]}
      """;

  private Roles() {}

  public static void main(String[] arguments) {
    try (RolecallClient client = RolecallClient.builder(arguments[0]).build()) {
      apply(client);
      list(client);
      Map<String, Role> copy = mirror(client);
      System.out.println(copy.containsKey("acs:ram::123456789012:role/example"));
      client.deleteRole(DeleteRoleRequest.newBuilder().setRole("example").build());
      try {
        client.getRole("example");
      } catch (NotFoundException error) {
        System.out.println(error.reason());
      }
    }
  }

  private static void apply(RolecallClient client) {
    RoleDeclaration role =
        RoleDeclaration.newBuilder()
            .setRoleName("example")
            .setAssumeRolePolicyDocument(POLICY)
            .build();
    ApplyOptions options = ApplyOptions.builder().changeReason("an example").build();
    var changes = client.applyRoles(List.of(role), options).getChangesList();
    changes.forEach(change -> System.out.println(change.getKind() + " " + change.getRoleArn()));
  }

  private static void list(RolecallClient client) {
    ListRolesRequest filter = ListRolesRequest.newBuilder().setNamePrefix("exam").build();
    for (Role role : client.listRoles(filter)) {
      System.out.println(role.getArn());
    }
  }

  private static Map<String, Role> mirror(RolecallClient client) {
    Map<String, Role> roles = new HashMap<>();
    WatchOptions options = WatchOptions.builder().includeInitialState().build();
    try (RoleWatch watch = client.watchRoles(options)) {
      for (WatchEvent event : watch) {
        if (event instanceof WatchEvent.Checkpoint) {
          return roles; // The copy is now the state at one revision.
        } else if (event instanceof WatchEvent.Changed changed) {
          Role role = changed.change().getRole();
          if (changed.change().getKind() == ChangeKind.CHANGE_KIND_DELETED) {
            roles.remove(role.getArn());
          } else {
            roles.put(role.getArn(), role);
          }
        }
      }
    } catch (ResyncRequiredException error) {
      return mirror(client);
    }
    return roles;
  }
}
