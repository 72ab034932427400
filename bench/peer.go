// The whole job in plain Go, as a yardstick: fetch the chain, verify it against the system's roots and
// the given one, then for the leaf and every intermediate fetch and check CRL, OCSP and caIssuers.
//
//	peer ADDRESS SERVERNAME ROOT.pem RESOLVE_TO
//
// Host names in URLs are sent to RESOLVE_TO, as certflight's --resolve does. Prints nothing when all
// is well; exits 1 and says why otherwise.
package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"golang.org/x/crypto/ocsp"
)

func fail(format string, args ...interface{}) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
	os.Exit(1)
}

func body(response *http.Response, err error) []byte {
	if err != nil {
		fail("request: %v", err)
	}
	defer response.Body.Close()
	if response.StatusCode != 200 {
		fail("status %s", response.Status)
	}
	octets, err := io.ReadAll(response.Body)
	if err != nil {
		fail("read: %v", err)
	}
	return octets
}

func main() {
	if len(os.Args) != 5 {
		fail("usage: peer ADDRESS SERVERNAME ROOT.pem RESOLVE_TO")
	}
	address, name, rootFile, to := os.Args[1], os.Args[2], os.Args[3], os.Args[4]
	roots, err := x509.SystemCertPool()
	if err != nil {
		fail("system roots: %v", err)
	}
	pem, err := os.ReadFile(rootFile)
	if err != nil || !roots.AppendCertsFromPEM(pem) {
		fail("root: %v", err)
	}
	connection, err := tls.Dial("tcp", address, &tls.Config{ServerName: name, RootCAs: roots})
	if err != nil {
		fail("tls: %v", err)
	}
	chain := connection.ConnectionState().VerifiedChains[0]
	connection.Close()

	dialer := &net.Dialer{Timeout: 5 * time.Second}
	client := &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, network, hostPort string) (net.Conn, error) {
			_, port, err := net.SplitHostPort(hostPort)
			if err != nil {
				return nil, err
			}
			return dialer.DialContext(ctx, network, net.JoinHostPort(to, port))
		},
	}}
	for index := 0; index+1 < len(chain); index++ {
		certificate, issuer := chain[index], chain[index+1]
		for _, url := range certificate.CRLDistributionPoints {
			list, err := x509.ParseRevocationList(body(client.Get(url)))
			if err != nil {
				fail("crl: %v", err)
			}
			if err := list.CheckSignatureFrom(issuer); err != nil {
				fail("crl signature: %v", err)
			}
			if list.NextUpdate.Before(time.Now()) {
				fail("crl expired")
			}
			for _, entry := range list.RevokedCertificates {
				if entry.SerialNumber.Cmp(certificate.SerialNumber) == 0 {
					fail("revoked")
				}
			}
		}
		for _, url := range certificate.OCSPServer {
			request, err := ocsp.CreateRequest(certificate, issuer, nil)
			if err != nil {
				fail("ocsp request: %v", err)
			}
			answer := body(client.Post(url, "application/ocsp-request", bytes.NewReader(request)))
			parsed, err := ocsp.ParseResponseForCert(answer, certificate, issuer)
			if err != nil {
				fail("ocsp: %v", err)
			}
			if parsed.Status != ocsp.Good {
				fail("ocsp status %d", parsed.Status)
			}
		}
		for _, url := range certificate.IssuingCertificateURL {
			fetched, err := x509.ParseCertificate(body(client.Get(url)))
			if err != nil {
				fail("caIssuers: %v", err)
			}
			if err := certificate.CheckSignatureFrom(fetched); err != nil {
				fail("caIssuers: %v", err)
			}
		}
	}
}
