// A WebSocket echo server on ws: prints `port NUMBER`, ends with its standard input.
// With an argument, `deflate`, it agrees to compress, and compresses small messages too.
const { WebSocketServer } = require("ws");

const perMessageDeflate = process.argv[2] === "deflate" && { threshold: 0 };
const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate }, () =>
  console.log(`port ${server.address().port}`));
server.on("connection", (socket) => {
  socket.on("message", (data, binary) => socket.send(data, { binary }));
  socket.on("error", () => {});
});
process.stdin.resume().on("end", () => process.exit(0));
