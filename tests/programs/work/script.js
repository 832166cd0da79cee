// The script that the node workload runs; prints the same on every run.
'use strict';

const assert = require('assert');
const crypto = require('crypto');
const { execFileSync } = require('child_process');
const fs = require('fs');
const http = require('http');
const { pipeline } = require('stream/promises');
const zlib = require('zlib');
const { Worker, isMainThread, parentPort, workerData } =
	require('worker_threads');

function generator(seed) {
	let x = seed;
	return () => (x = x * 16807 % 2147483647);
}

function digest(data) {
	return crypto.createHash('sha256').update(data).digest('hex');
}

function records(seed, count) {
	const next = generator(seed);
	const list = [];
	for (let i = 0; i < count; i++)
		list.push({ id: i, name: 'name' + next() % 5003, tags:
			[next() % 10, next() % 100, String(next())], nested:
			{ text: 'ä€😀'.repeat(next() % 20) } });
	return list;
}

// what each worker thread does
function work(seed) {
	const text = JSON.stringify(records(seed, 5000));
	const packed = zlib.gzipSync(text);
	const buffers = [];
	for (let i = 0; i < 2000; i++)
		buffers.push(Buffer.alloc(i * 7, i));
	return digest(zlib.gunzipSync(packed)) + digest(Buffer.concat(buffers));
}

if (!isMainThread) {
	const result = work(workerData);
	const shared = new SharedArrayBuffer(1 << 20);
	new Uint8Array(shared).fill(workerData);
	parentPort.postMessage({ result, shared });
	return;
}

async function main() {
	const list = records(1, 40000);
	const text = JSON.stringify(list);
	assert.deepStrictEqual(JSON.parse(text), list);
	console.log('json', text.length, digest(text));

	const groups = new Map();
	for (const record of list) {
		if (!groups.has(record.name))
			groups.set(record.name, new Set());
		groups.get(record.name).add(record);
	}
	console.log('groups', groups.size,
		digest([...groups].map(([k, v]) => k + v.size).sort().join()));
	for (const key of [...groups.keys()].filter((k) => k.endsWith('7')))
		groups.delete(key);
	console.log('after delete', groups.size);

	const next = generator(7);
	let buffers = [];
	let total = 0;
	for (let i = 0; i < 20000; i++) {
		const buffer = Buffer.alloc(next() % 8192, i & 255);
		total += buffer.length;
		buffers.push(buffer);
		if (buffers.length > 1000)
			buffers = buffers.filter((_, n) => n % 3 === 0);
	}
	console.log('buffers', total, digest(Buffer.concat(buffers)));

	for (const [pack, unpack] of [['gzipSync', 'gunzipSync'],
		['deflateRawSync', 'inflateRawSync'],
		['brotliCompressSync', 'brotliDecompressSync']]) {
		const options = { level: 6,
			params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 4 } };
		const packed = zlib[pack](text, options);
		assert.strictEqual(zlib[unpack](packed).toString(), text);
		console.log(pack, packed.length);
	}

	const key = crypto.scryptSync('password', 'salt', 32);
	const cipher = crypto.createCipheriv('aes-256-gcm', key, Buffer.alloc(12));
	const sealed = Buffer.concat([cipher.update(text), cipher.final(),
		cipher.getAuthTag()]);
	console.log('aes', digest(sealed));
	const { publicKey, privateKey } = crypto.generateKeyPairSync('ec',
		{ namedCurve: 'P-256' });
	for (let i = 0; i < 50; i++) {
		const signature = crypto.sign('sha256', sealed.subarray(i), privateKey);
		assert(crypto.verify('sha256', sealed.subarray(i), publicKey, signature));
	}

	fs.writeFileSync('data.json', text);
	await pipeline(fs.createReadStream('data.json'), zlib.createGzip(),
		zlib.createGunzip(), fs.createWriteStream('copy.json'));
	console.log('streams', digest(fs.readFileSync('copy.json')));

	const server = http.createServer((request, response) => {
		response.end(text.slice(0, 100000 + request.url.length));
	});
	await new Promise((done) => server.listen(0, '127.0.0.1', done));
	const { port } = server.address();
	const answers = await Promise.all([...Array(100).keys()].map((i) =>
		new Promise((done, failed) => http.get(
			{ host: '127.0.0.1', port, path: '/' + 'x'.repeat(i) },
			(response) => {
				const parts = [];
				response.on('data', (part) => parts.push(part));
				response.on('end', () => done(digest(Buffer.concat(parts))));
			}).on('error', failed))));
	server.close();
	console.log('http', digest(answers.join()));

	const results = await Promise.all([1, 2, 3, 4, 5, 6].map((seed) =>
		new Promise((done, failed) => {
			new Worker(__filename, { workerData: seed })
				.once('message', ({ result, shared }) =>
					done(result + new Uint8Array(shared)[12345]))
				.once('error', failed);
		})));
	console.log('workers', digest(results.join()));

	for (let i = 0; i < 5; i++) {
		const output = execFileSync(process.execPath,
			['-p', `"x".repeat(${i} * 100000).length`]);
		console.log('child', output.toString().trim());
	}
}

main().catch((error) => {
	console.error(error);
	process.exit(1);
});
