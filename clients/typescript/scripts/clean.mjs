// Removes what was compiled, so that nothing of a deleted source is published or run.
import { rmSync } from "node:fs";

for (const directory of ["dist", "build"])
  rmSync(new URL(`../${directory}`, import.meta.url), { recursive: true, force: true });
