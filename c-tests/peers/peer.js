// The ws package as a peer of the C programs; peer.py says what it does.

'use strict';

const { WebSocket, WebSocketServer } = require('ws');
const { createHash } = require('crypto');
const { once } = require('events');
const { readFileSync } = require('fs');
const { createServer } = require('https');

const CLOSE_REASON = 'adiaŭ';
const NO_STATUS = 1005;

// Options of permessage-deflate, as the parameters that the environment has.
function deflating() {
  if (!process.env.DEFLATE) return {};
  const camel = (name) => name.replace(/_./g, (pair) => pair[1].toUpperCase());
  const entries = Object.entries(JSON.parse(process.env.DEFLATE));
  const options = Object.fromEntries(entries.map(([name, value]) => [camel(name), value]));
  return { perMessageDeflate: { threshold: 0, ...options } };
}

// Text of one- to four-byte characters, or bytes; always the same for a size.
function content(kind, size) {
  const bytes = Buffer.alloc(size, 'w');
  if (kind === 'binary') {
    for (let at = 0, block = 0; at < size; at += 32, block++) {
      createHash('sha256').update(`${size} ${block}`).digest().copy(bytes, at);
    }
  } else {
    const characters = ['w', 'ö', '€', '😀'].map((character) => Buffer.from(character));
    for (let at = 0, n = 0; at < size; n = (n * 5 + 3) % 1021) {
      const character = characters[n % 4];
      at += at + character.length <= size ? character.copy(bytes, at) : 1;
    }
  }
  return bytes;
}

// Fragments, an empty one among them, that do not care where a character ends.
function pieces(data) {
  const third = Math.floor(data.length / 3);
  const cuts = [0, 1, 1, Math.max(1, third), Math.max(1, 2 * third), Math.max(1, data.length)];
  return cuts.slice(1).map((end, i) => data.subarray(cuts[i], end));
}

// Only a pong with the same payload ends the wait.
function ping(ws, payload) {
  return new Promise((resolve) => {
    const answered = (data) => {
      if (!data.equals(payload)) return;
      ws.off('pong', answered);
      resolve();
    };
    ws.on('pong', answered);
    ws.ping(payload);
  });
}

async function send(ws, mode, binary, data) {
  if (mode === 'whole') {
    ws.send(data, { binary });
    return;
  }
  const all = pieces(data);
  for (const [number, piece] of all.entries()) {
    if (mode === 'pings') await ping(ws, Buffer.from(`ping ${number}${'!'.repeat(100)}`));
    ws.send(piece, { binary, fin: number === all.length - 1 });
  }
}

async function serveConnection(ws, request) {
  const path = request.url;
  if (process.env.DEFLATE) console.log(ws.extensions ? 'compressed' : 'plain');
  ws.on('close', (status, reason) => console.log(`closed ${status} ${reason}`));
  ws.on('error', (error) => console.error(error.message));
  if (path.startsWith('/close/')) {
    ws.close(Number(path.slice('/close/'.length)), CLOSE_REASON);
    return;
  }
  // One echo after the other, also where sending waits for pongs.
  let last = Promise.resolve();
  ws.on('message', (data, binary) => {
    if (path === '/wrong') data[data.length - 1] ^= 1;
    const mode = path === '/wrong' ? 'whole' : path.slice(1);
    last = last.then(() => send(ws, mode, binary, data));
  });
}

// With TLS where the environment has certificates.
function makeServer(options) {
  const { TLS_CERT, TLS_KEY, TLS_VERSION } = process.env;
  if (!TLS_CERT) return new WebSocketServer({ host: '127.0.0.1', port: 0, ...options });
  const server = createServer({
    cert: readFileSync(TLS_CERT), key: readFileSync(TLS_KEY), ...limits(TLS_VERSION),
  });
  server.listen(0, '127.0.0.1');
  return new WebSocketServer({ server, ...options });
}

// Of one version, if there is one to be.
function limits(version) {
  if (!version) return {};
  const name = version.replace('_', '.');
  return { minVersion: name, maxVersion: name };
}

function runServer() {
  const server = makeServer({ perMessageDeflate: true, maxPayload: 0, ...deflating() });
  server.on('listening', () => console.log(`port ${server.address().port}`));
  server.on('connection', serveConnection);
  process.stdin.resume();
  process.stdin.on('end', () => process.exit(0));
}

function assert(condition, why) {
  if (!condition) throw new Error(why);
}

// A connection whose end can be awaited at any later time.
async function connect(port, path) {
  const { TLS_ROOT, TLS_VERSION } = process.env;
  const url = TLS_ROOT ? `wss://127.0.0.1:${port}${path}` : `ws://127.0.0.1:${port}${path}`;
  const tls = TLS_ROOT ? { ca: readFileSync(TLS_ROOT), ...limits(TLS_VERSION) } : {};
  const ws = new WebSocket(url, { maxPayload: 0, ...deflating(), ...tls });
  ws.ended = new Promise((resolve) => {
    ws.on('close', (status, reason) => resolve({ status, reason: String(reason) }));
  });
  await once(ws, 'open');
  return ws;
}

async function checkEcho(ws, mode, kind, size) {
  const data = content(kind, size);
  const echo = once(ws, 'message');
  const ended = ws.ended.then(({ status }) => { throw new Error(`closed with ${status}`); });
  await Promise.race([send(ws, mode, kind === 'binary', data), ended]);
  const [echoed, binary] = await Promise.race([echo, ended]);
  assert(binary === (kind === 'binary'), 'another type');
  assert(echoed.length === data.length, 'another length');
  assert(echoed.equals(data), 'another content');
}

async function checkClosed(ws, status, reason) {
  const got = await ws.ended;
  assert(got.status === status && got.reason === reason, `closed with ${got.status} ${got.reason}`);
}

async function runCheck(port, ws, check) {
  const [kind, ...rest] = check.split(':');
  if (['whole', 'fragments', 'pings'].includes(kind)) {
    await checkEcho(ws, kind, rest[0], Number(rest[1]));
  } else if (kind === 'wrong') {
    await checkEcho(await connect(port, '/wrong'), 'whole', rest[0], Number(rest[1]));
  } else if (kind === 'no-extension') {
    assert(ws.extensions === '', 'negotiated');
  } else if (kind === 'deflate') {
    assert(ws.extensions.startsWith('permessage-deflate'), 'not negotiated');
  } else if (kind === 'close') {
    const status = Number(rest[0]);
    if (status === NO_STATUS) ws.close();
    else ws.close(status, rest[1]);
    await checkClosed(ws, status, rest[1]);
  } else if (kind === 'closed') {
    const other = await connect(port, `/close/${rest[0]}`);
    await checkClosed(other, Number(rest[0]), rest[1]);
  } else {
    throw new Error('no such check');
  }
}

async function runClient(port, checks) {
  let failures = 0;
  const ws = await connect(port, '/');
  for (const check of checks) {
    try {
      await runCheck(port, ws, check);
      console.log(`ok ${check}`);
    } catch (error) {
      console.log(`not ok ${check}: ${error.message}`);
      failures++;
    }
  }
  process.exit(failures > 0 ? 1 : 0);
}

const [role, port, ...checks] = process.argv.slice(2);
if (role === 'server') runServer();
else runClient(Number(port), checks);
