/** For `localhost`, self-signed, made for the fakes: it protects nothing and is trusted by nobody but a test that says so. */
export const fakeCertificate = {
  cert: `-----BEGIN CERTIFICATE-----
MIIBlTCCATugAwIBAgIUTUvPYVl7UmXQUgkCwEztlouIUIgwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMjE0NDUzNloYDzIxMjYxMDI5
MTQ0NTM2WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAR0rSeY69r69Ar1HhS1A5SvuqT/dF6oMitrGgvschxU1aqmJ9BxwXHS
bM+Gyr/gCyzTaSxRr2+9fgMxQPhVajuWo2kwZzAdBgNVHQ4EFgQUE+ymAox1lfc2
MUbkAyzQ3Y+pFkgwHwYDVR0jBBgwFoAUE+ymAox1lfc2MUbkAyzQ3Y+pFkgwDwYD
VR0TAQH/BAUwAwEB/zAUBgNVHREEDTALgglsb2NhbGhvc3QwCgYIKoZIzj0EAwID
SAAwRQIgGT+gPtNjPT1czWCa8prBTvEmG+2vHaTvwD0vl0MUnlUCIQDnCWcKxi9t
Cl1KzRfTlDAIImFKhZWdyF18tapQ16q1Sg==
-----END CERTIFICATE-----
`,
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgOuz2SbonGzFiuG8I
Z5xpksFbLMJGbth/jjZfu/GNqy+hRANCAAR0rSeY69r69Ar1HhS1A5SvuqT/dF6o
MitrGgvschxU1aqmJ9BxwXHSbM+Gyr/gCyzTaSxRr2+9fgMxQPhVajuW
-----END PRIVATE KEY-----
`,
}
