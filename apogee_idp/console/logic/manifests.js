/** A client's credentials as files that other programs read. */

/** A name as Kubernetes takes it (RFC 1123 subdomain): lower case, digits, - and dots. */
export function resourceName(clientId) {
  const name = clientId.toLowerCase().replace(/[^a-z0-9.-]+/g, "-");
  return name.replace(/^[^a-z0-9]+|[^a-z0-9]+$/g, "").replace(/\.[^a-z0-9]+/g, ".") || "client";
}

/** A YAML scalar in double quotes, which JSON's are. */
function quoted(text) {
  return JSON.stringify(text);
}

/** The manifest of a Kubernetes Secret. */
export function kubernetesSecret({ clientId, clientSecret, tokenEndpoint }) {
  return `apiVersion: v1
kind: Secret
metadata:
  name: ${quoted(`${resourceName(clientId)}-credentials`)}
type: Opaque
stringData:
  CLIENT_ID: ${quoted(clientId)}
  CLIENT_SECRET: ${quoted(clientSecret)}
  TOKEN_ENDPOINT: ${quoted(tokenEndpoint)}
`;
}

/** Lines for a .env file; ids and our secrets have no character that a shell would read. */
export function envFile({ clientId, clientSecret, tokenEndpoint }) {
  return `CLIENT_ID='${clientId}'
CLIENT_SECRET='${clientSecret}'
TOKEN_ENDPOINT='${tokenEndpoint}'
`;
}

/** A command that gets a token, without the secret in it. */
export function curlCommand({ clientId, tokenEndpoint }) {
  return `curl -u '${clientId}:'"$CLIENT_SECRET" -d grant_type=client_credentials ${tokenEndpoint}`;
}
