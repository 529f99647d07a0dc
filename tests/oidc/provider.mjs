// A certified OpenID Connect provider for tests: prints its issuer.
// node provider.mjs <redirect_uri> <accounts as JSON: login -> claims>
import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';

const [redirectUri, accounts] = process.argv.slice(2);
const known = JSON.parse(accounts);

const server = createServer();
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [{ client_id: 'thidua', client_secret: 'a-secret-of-the-test', redirect_uris: [redirectUri] }],
    claims: { openid: ['sub'], email: ['email', 'email_verified'] },
    features: { devInteractions: { enabled: true } },
    pkce: { required: () => true },
    cookies: { keys: ['a-key-of-the-test'] },
    findAccount: async (_, login) => ({
      accountId: login,
      claims: async () => ({ sub: login, ...known[login] }),
    }),
  });
  server.on('request', provider.callback());
  console.log(issuer);
});
