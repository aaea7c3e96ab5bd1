/** The client passes every scenario of the fault script. */

import { readFileSync } from "node:fs";
import { test } from "node:test";

import type { JsonValue } from "@bufbuild/protobuf";

import { Interpreter, type Step } from "./interpreter.js";
import {
  clientOf,
  control,
  eventuallyNothingBeside,
  LEFT_OUT,
  resources,
  theWorld,
  type ClientDescription,
} from "./world.js";

interface Script {
  readonly queries: Readonly<Record<string, JsonValue>>;
  readonly scenarios: readonly {
    readonly name: string;
    readonly client: ClientDescription;
    readonly steps: readonly Step[];
  }[];
}

if (LEFT_OUT !== undefined) {
  test("the fault script", { skip: LEFT_OUT });
} else {
  const world = theWorld();
  const script = JSON.parse(readFileSync(world.faults, "utf8")) as Script;
  const only = process.env.ROLECALL_CONFORMANCE_ONLY ?? "";
  for (const { name, client: description, steps } of script.scenarios.filter((scenario) =>
    scenario.name.includes(only),
  )) {
    test(name, async () => {
      await control(world, "/reset");
      const before = resources();
      const client = clientOf(description, world);

      try {
        await new Interpreter(client, script.queries, world).run(steps);
      } finally {
        client.close();
      }

      await eventuallyNothingBeside(before);
    });
  }
}
