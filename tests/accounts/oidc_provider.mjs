// An OpenID Connect provider for tests, on a free port of loopback: writes its issuer as a line and runs until its input
// ends. Signs in by itself whoever login_hint names. Argument: JSON with options of oidc-provider that replace these.
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { generateKeyPairSync } from 'node:crypto';
import { pathToFileURL } from 'node:url';

const require = createRequire(new URL('../packages/', import.meta.url));
const { default: Provider } = await import(pathToFileURL(require.resolve('oidc-provider')).href);

const key = (kid, type, options) =>
  ({ ...generateKeyPairSync(type, options).privateKey.export({ format: 'jwk' }), kid, use: 'sig' });
const client = (algorithm, method) => ({
  client_id: `tocsin ${algorithm}`,
  client_secret: 'a secret: with +/%& and ~, of 40 bytes....',
  redirect_uris: ['https://tocsin.example/api/v1/session/oidc/callback'],
  id_token_signed_response_alg: algorithm,
  token_endpoint_auth_method: method,
});
const accounts = {
  alice: { sub: 'alice', email: 'Alice@Example.org', email_verified: true, preferred_username: 'alice' },
  mallory: { sub: 'mallory', email: 'alice@example.org', email_verified: false },
  silent: { sub: 'silent' },
};

const server = createServer().listen(0, '127.0.0.1', () => {
  const options = JSON.parse(process.argv[2] ?? '{}');
  const method = options.clientAuthMethods?.[0] ?? 'client_secret_basic';
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: ['RS256', 'ES256', 'EdDSA'].map((algorithm) => client(algorithm, method)),
    jwks: { keys: [key('r', 'rsa', { modulusLength: 2048 }), key('e', 'ec', { namedCurve: 'P-256' }), key('d', 'ed25519')] },
    enabledJWA: { idTokenSigningAlgValues: ['RS256', 'ES256', 'EdDSA'] },
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['preferred_username'] },
    pkce: { required: () => true },
    cookies: { keys: ['only a test'] },
    features: { devInteractions: { enabled: false } },
    findAccount: (_, id) => accounts[id] && { accountId: id, claims: () => accounts[id] },
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    ...options,
  });
  provider.use(async (context, next) => {
    if (!context.path.startsWith('/interaction/')) return next();
    const { prompt, params, session } = await provider.interactionDetails(context.req, context.res);
    if (prompt.name === 'login') {
      const login = { accountId: params.login_hint ?? 'alice' };
      return provider.interactionFinished(context.req, context.res, { login }, { mergeWithLastSubmission: false });
    }
    const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
    grant.addOIDCScope(params.scope);
    const consent = { grantId: await grant.save() };
    return provider.interactionFinished(context.req, context.res, { consent }, { mergeWithLastSubmission: true });
  });
  server.on('request', provider.callback());
  console.log(issuer);
});
process.stdin.resume().on('end', () => process.exit(0));
