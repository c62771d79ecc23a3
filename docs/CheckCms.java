import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.Security;
import java.security.cert.CertPathBuilder;
import java.security.cert.CertificateFactory;
import java.security.cert.PKIXBuilderParameters;
import java.security.cert.TrustAnchor;
import java.security.cert.X509CertSelector;
import java.security.cert.X509Certificate;
import java.util.Date;
import java.util.Set;
import org.bouncycastle.asn1.cms.CMSAttributes;
import org.bouncycastle.asn1.cms.Time;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.jcajce.JcaCertStoreBuilder;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cms.CMSException;
import org.bouncycastle.cms.CMSProcessableByteArray;
import org.bouncycastle.cms.CMSSignedData;
import org.bouncycastle.cms.SignerInformation;
import org.bouncycastle.cms.jcajce.JcaSimpleSignerInfoVerifierBuilder;
import org.bouncycastle.jce.provider.BouncyCastleProvider;

/**
 * Checks a CMS SignedData with BouncyCastle (docs/verify.md): every signature, and each signer's path to the root at the
 * time that the signer claims. `CheckCms.java ROOT SIGNED [DOCUMENT]` ends with 0 only if all of it holds. With ROOT alone it
 * reads lines of SIGNED, a tab and DOCUMENT, and answers each with a line.
 */
public final class CheckCms {
  public static void main(String[] args) throws Exception {
    Security.addProvider(new BouncyCastleProvider());
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    if (args.length > 1) {
      String verdict = verdict(args[0], args[1], args.length > 2 ? args[2] : null);
      out.println(verdict);
      System.exit(verdict.startsWith("good") ? 0 : 1);
    }
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      String[] files = line.split("\t");
      out.println(verdict(args[0], files[0], files.length > 1 ? files[1] : null));
    }
  }

  private static String verdict(String root, String signed, String document) {
    try {
      return "good: signed by " + check(root, Files.readAllBytes(Path.of(signed)), document);
    } catch (Exception fault) {
      return ("refused: " + fault).replaceAll("\\s+", " ");
    }
  }

  private static String check(String root, byte[] signed, String document) throws Exception {
    CMSSignedData data = document == null
        ? new CMSSignedData(signed)
        : new CMSSignedData(new CMSProcessableByteArray(Files.readAllBytes(Path.of(document))), signed);
    StringBuilder names = new StringBuilder();
    for (SignerInformation signer : data.getSignerInfos()) {
      X509Certificate certificate = certificateOf(data, signer);
      if (!signer.verify(new JcaSimpleSignerInfoVerifierBuilder().setProvider("BC").build(certificate))) {
        throw new CMSException("a signature does not hold");
      }
      buildPath(root, data, certificate, claimedTime(signer));
      names.append(names.length() == 0 ? "" : " and ").append(certificate.getSubjectX500Principal());
    }
    if (names.length() == 0) throw new CMSException("nobody signed this");
    return names.toString();
  }

  @SuppressWarnings("unchecked")
  private static X509Certificate certificateOf(CMSSignedData data, SignerInformation signer) throws Exception {
    for (Object one : data.getCertificates().getMatches(signer.getSID())) {
      return new JcaX509CertificateConverter().setProvider("BC").getCertificate((X509CertificateHolder) one);
    }
    throw new CMSException("the signer's certificate is missing");
  }

  private static Date claimedTime(SignerInformation signer) throws CMSException {
    var attribute = signer.getSignedAttributes() == null ? null : signer.getSignedAttributes().get(CMSAttributes.signingTime);
    if (attribute == null) throw new CMSException("the signer claims no time");
    return Time.getInstance(attribute.getAttrValues().getObjectAt(0)).getDate();
  }

  private static void buildPath(String root, CMSSignedData data, X509Certificate leaf, Date at) throws Exception {
    X509CertSelector target = new X509CertSelector();
    target.setCertificate(leaf);
    try (InputStream pem = Files.newInputStream(Path.of(root))) {
      X509Certificate anchor = (X509Certificate) CertificateFactory.getInstance("X.509", "BC").generateCertificate(pem);
      PKIXBuilderParameters wanted = new PKIXBuilderParameters(Set.of(new TrustAnchor(anchor, null)), target);
      wanted.setRevocationEnabled(false);
      wanted.setDate(at);
      wanted.addCertStore(new JcaCertStoreBuilder().setProvider("BC").addCertificates(data.getCertificates()).build());
      CertPathBuilder.getInstance("PKIX", "BC").build(wanted);
    }
  }
}
