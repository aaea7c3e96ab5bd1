/** Maintains a copy of all roles until it is interrupted, also over restarts of the server: `node build/examples/mirror.js [CHECKPOINTS]`. */

import { ResyncRequiredError, RolecallClient } from "rolecall-client";
import { ChangeKind, type Role } from "rolecall-client/v1";

let checkpoints = Number(process.argv[2] ?? Infinity);
const interrupted = new AbortController();
const isInterrupted = (): boolean => interrupted.signal.aborted;
process.once("SIGINT", () => {
  interrupted.abort();
});

using client = RolecallClient.fromEnv();
while (checkpoints > 0 && !isInterrupted()) {
  try {
    await mirror(new Map());
  } catch (error) {
    if (isInterrupted()) break;
    if (!(error instanceof ResyncRequiredError)) throw error;
    console.log(`reading all roles again: ${error.message}`);
  }
}

async function mirror(copy: Map<string, Role>): Promise<void> {
  for await (const event of client.watchRoles({ includeInitialState: true, signal: interrupted.signal })) {
    if (event.kind === "checkpoint") {
      console.log(`revision ${event.checkpoint.revision}: ${copy.size} roles`);
      checkpoints -= 1;
      if (checkpoints <= 0) return;
    } else if (event.change.role !== undefined) {
      const { kind, role } = event.change;
      if (kind === ChangeKind.DELETED) copy.delete(role.arn);
      else copy.set(role.arn, role);
    }
  }
}
