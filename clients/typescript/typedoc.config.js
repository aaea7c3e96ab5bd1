import { OptionDefaults } from "typedoc";

/** @type {Partial<import("typedoc").TypeDocOptions>} */
export default {
  entryPoints: ["src/index.ts", "src/guard/index.ts", "src/v1.ts"],
  tsconfig: "tsconfig.build.json",
  out: "build/docs",
  // The stubs say of each thing where it comes from.
  blockTags: [...OptionDefaults.blockTags, "@generated"],
  excludeTags: ["@generated"],
  treatWarningsAsErrors: true,
  excludeProtected: true,
  disableSources: true,
  githubPages: false,
  readme: "none",
};
