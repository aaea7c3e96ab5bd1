/** Asks whether a principal may assume a role, and why not: `node build/examples/check.js PRINCIPAL ROLE`. */

import { query, RolecallClient } from "rolecall-client";
import { DecisionReason } from "rolecall-client/v1";

const [principal = "acs:ram::123456789012:user/alice", role = "deployer"] = process.argv.slice(2);

using client = RolecallClient.fromEnv();
const { decision, nearMisses } = await client.explain(query(principal, role));

console.log(decision?.allowed === true ? "allowed" : `denied: ${DecisionReason[decision?.reason ?? 0]}`);
for (const { suggestion } of nearMisses) console.log(suggestion);
