// The cached product read with fastify: products in a Map, sent as JSON through a schema, which fastify compiles to a serializer.
// node server.js PORT PRODUCT.json
'use strict';

const fastify = require('fastify')();
const product = JSON.parse(require('fs').readFileSync(process.argv[3], 'utf8'));
const cache = new Map([[product.sku, product]]);

const schemaOf = (value) => {
  if (Array.isArray(value)) return { type: 'array', items: value.length ? schemaOf(value[0]) : {} };
  if (value !== null && typeof value === 'object') {
    return { type: 'object', properties: Object.fromEntries(Object.entries(value).map(([name, v]) => [name, schemaOf(v)])) };
  }
  return { type: typeof value };
};

fastify.get('/v1/products/:sku', { schema: { response: { 200: schemaOf(product) } } }, async (request, reply) => {
  const found = cache.get(request.params.sku);
  if (!found) return reply.code(404).send({ status: 404 });
  return found;
});

fastify.listen({ port: Number(process.argv[2]), host: '127.0.0.1' });
