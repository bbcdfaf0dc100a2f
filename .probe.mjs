import * as ort from 'onnxruntime-node';
for (const n of 'FLOAT FLOAT16 BFLOAT16 DOUBLE INT64 UINT64 INT8 BOOL STRING COMPLEX64 UINT4 FLOAT8E4M3FN'.split(' ')) {
  try { const s = await ort.InferenceSession.create(`/tmp/qz/id_${n}.onnx`, {logSeverityLevel:4}); console.log(n, JSON.stringify(s.inputMetadata)); 
  if (n==='FLOAT16') { for (const A of [Uint16Array, Float16Array]) try { const r = await s.run({x: new ort.Tensor('float16', new A(9), [1,9,1])}); console.log(A.name, r.y.data.constructor.name);} catch(e){console.log(A.name,e.message)} }
  if (n==='BFLOAT16') try { console.log(await s.run({x: new ort.Tensor('bfloat16', new Uint16Array(9), [1,9,1])}))} catch(e){console.log(e.message)}
  if (n==='BOOL') { const r = await s.run({x: new ort.Tensor('bool', new Uint8Array(9), [1,9,1])}); console.log(r.y.data.constructor.name)}
  } catch (e) { console.log(n, 'ERR', e.message.slice(0,300)); }
}
const s = await ort.InferenceSession.create('/tmp/qz/red.onnx', {logSeverityLevel:4, graphOptimizationLevel:'disabled'});
for (const v of [[NaN,1,2,3],[1,NaN,2,3],[1,2,3,NaN],[1,Infinity,-Infinity,2], [NaN,NaN,NaN,NaN]]) { const r = await s.run({x:new ort.Tensor('float32', Float32Array.from(v),[2,2])}); console.log(v, r.a.data[0], r.b.data[0]); }
for (const n of [16,64]) for (const at of [0,5,n-1]) {const f=new Float32Array(n).fill(1); f[at]=NaN; const r = await s.run({x:new ort.Tensor('float32',f,[1,n])}); console.log(n, at, r.a.data[0], r.b.data[0]);}
try { const r= await s.run({x:new ort.Tensor('float32',new Float32Array(0),[0,4])}); console.log(r.a.data,r.b.data)} catch(e){console.log('empty', e.message)}
const u = await ort.InferenceSession.create('/tmp/qz/untyped.onnx', {logSeverityLevel:4, graphOptimizationLevel:'disabled'}); console.log(JSON.stringify(u.outputMetadata)); console.log(await u.run({x:new ort.Tensor('float32',new Float32Array(4),[1,4])},['a']));
try { await ort.InferenceSession.create('/tmp/qz/none.onnx') } catch(e){console.log(e.message)}
try { await u.run({x:new ort.Tensor('int64',new BigInt64Array(4),[1,4])}) } catch(e){console.log(e.message)}
