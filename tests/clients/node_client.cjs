// Calls a method with messages as they are on the wire, in hexadecimal, and prints each answer, or the status.
// node node_client.cjs MODULES ADDRESS PATH MESSAGE...
const [modules, address, path, ...messages] = process.argv.slice(2);
const grpc = require(`${modules}/@grpc/grpc-js`);

const client = new grpc.Client(address, grpc.credentials.createInsecure());
const same = (bytes) => bytes;
const call = client.makeBidiStreamRequest(path, same, same, new grpc.Metadata(), { deadline: Date.now() + 20_000 });
call.on("data", (answer) => console.log(answer.toString("hex")));
call.on("error", (error) => console.log(`status ${error.code}`));
call.on("end", () => client.close());
for (const message of messages) call.write(Buffer.from(message, "hex"));
call.end();
