/** A client's registration: what is typed, and what its flow forces. */

export const CLIENT_CREDENTIALS = "client_credentials";
export const AUTHORIZATION_CODE = "authorization_code";

/** What nobody writes: facts that the server adds. */
const FACTS = [
  "is_configured",
  "permissions",
  "requirements",
  "tokens_not_before",
  "created_at",
  "secrets",
  "client_secret",
];

const PROFILE = {
  signing_algorithm: "RS256",
  typ: "at+jwt",
  encrypt_to: "server",
  lifetime: null,
  audience_shape: "compact",
  claims: {},
  session_tags: {},
  transitive_tags: [],
  reference: false,
};

const OF_THE_CODE_FLOW = {
  client_type: "confidential",
  application_type: "web",
  redirect_uris: [],
  post_logout_redirect_uris: [],
  backchannel_logout_uri: null,
  require_second_factor: false,
  require_pkce: true,
  require_pushed_authorization_requests: false,
  allow_offline_access: false,
};

/** A new client's, as the server would fill it in. */
export function newRegistration() {
  return {
    client_id: "",
    display_name: "",
    flow_type: CLIENT_CREDENTIALS,
    ...OF_THE_CODE_FLOW,
    enabled: true,
    scopes: [],
    default_scopes: [],
    default_audience: null,
    roles: [],
    endpoints: [],
    skip_token_encryption: false,
    token_profile: { ...PROFILE },
    jwks: null,
    jwks_uri: null,
    accepts_token_endpoint_audience: false,
    preset: "",
  };
}

/** What can be written of a client that the server told of; no preset is chosen yet. */
export function registrationOf(client) {
  const written = Object.entries(client).filter(([name]) => !FACTS.includes(name));
  return { ...Object.fromEntries(written), preset: "" };
}

/** `registration` after its flow was chosen: what only the other flow has begins anew. */
export function withFlow(registration, flowType) {
  return { ...registration, ...OF_THE_CODE_FLOW, flow_type: flowType };
}

/** `registration` after the application's type was chosen: what runs in a browser is public. */
export function withApplicationType(registration, applicationType) {
  const isPublic = applicationType === "spa" || registration.client_type === "public";
  const clientType = isPublic ? "public" : "confidential";
  return withClientType({ ...registration, application_type: applicationType }, clientType);
}

/** `registration` after the client's type was chosen: a public one always needs PKCE. */
export function withClientType(registration, clientType) {
  const requirePkce = clientType === "public" || registration.require_pkce;
  return { ...registration, client_type: clientType, require_pkce: requirePkce };
}

/** The body that says it: what the flow does not have is left out, and so is what a preset decides. */
export function bodyOf(registration) {
  const left = new Set(
    registration.preset ? ["token_profile", "skip_token_encryption"] : ["preset"],
  );
  if (registration.flow_type === CLIENT_CREDENTIALS) {
    for (const name of Object.keys(OF_THE_CODE_FLOW)) left.add(name);
  }
  return Object.fromEntries(Object.entries(registration).filter(([name]) => !left.has(name)));
}

/** What the flow of a client decides by itself, in sentences. */
export function forcedBy(registration) {
  if (registration.flow_type === CLIENT_CREDENTIALS) {
    return [
      "It is confidential: it authenticates with a secret, or with keys of its own.",
      "Nobody signs in to it: no redirect URIs, no PKCE, no refresh tokens, no id_tokens.",
      "Its tokens speak of the client itself: sub and name are its client id.",
    ];
  }
  if (registration.client_type === "public") {
    return ["It is public: it has no secret, and PKCE is always required."];
  }
  return ["It is confidential: it redeems codes with its secret."];
}

/** A flow's name for people. */
export function titleOfFlow(flowType) {
  return flowType === CLIENT_CREDENTIALS ? "Client Credentials" : "Authorization Code";
}

/** The registration with the members of its token profile as members of its own, by path. */
export function flat({ token_profile: profile, ...registration }) {
  const members = Object.entries(profile).map(([name, value]) => [`token_profile.${name}`, value]);
  return { ...registration, ...Object.fromEntries(members) };
}

/** What `flat` was made of. */
export function unflat(members) {
  const registration = { token_profile: {} };
  for (const [name, value] of Object.entries(members)) {
    if (name.startsWith("token_profile.")) registration.token_profile[name.split(".")[1]] = value;
    else registration[name] = value;
  }
  return registration;
}
