// The peer `oidc-provider`: its own in-memory adapter, one client, JWT access tokens through
// resource indicators. Usage: node oidc_provider.mjs CLIENT_ID CLIENT_SECRET; prints its port.
import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import { Provider } from "oidc-provider";

const [clientId, clientSecret] = process.argv.slice(2);

const signingKey = (alg, type, options) => ({
  ...generateKeyPairSync(type, options).privateKey.export({ format: "jwk" }),
  alg,
  use: "sig",
  kid: alg,
});

const resourceServer = (alg) => ({
  scope: "invoices.read invoices.write",
  audience: "https://billing.example",
  accessTokenFormat: "jwt",
  accessTokenTTL: 900,
  jwt: { sign: { alg } },
});
const resourceServers = {
  "https://billing.example/rs256": resourceServer("RS256"),
  "https://billing.example/es256": resourceServer("ES256"),
};

const provider = new Provider("https://idp.example.com", {
  clients: [
    {
      client_id: clientId,
      client_secret: clientSecret,
      grant_types: ["client_credentials"],
      redirect_uris: [],
      response_types: [],
      scope: "invoices.read invoices.write",
      token_endpoint_auth_method: "client_secret_post",
    },
  ],
  jwks: {
    keys: [
      signingKey("RS256", "rsa", { modulusLength: 2048 }),
      signingKey("ES256", "ec", { namedCurve: "P-256" }),
    ],
  },
  scopes: ["invoices.read", "invoices.write"],
  extraTokenClaims: (_, token) => ({ name: token.clientId }),
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_, resource) => resourceServers[resource],
    },
  },
});
provider.on("server_error", (_, error) => console.error(error));

const server = createServer(provider.callback());
server.listen(0, "127.0.0.1", () => console.log(`port ${server.address().port}`));
