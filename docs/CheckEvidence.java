import java.io.PrintStream;
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
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import java.util.Set;
import org.bouncycastle.asn1.tsp.ArchiveTimeStamp;
import org.bouncycastle.asn1.tsp.ArchiveTimeStampChain;
import org.bouncycastle.asn1.tsp.EvidenceRecord;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.jcajce.JcaCertStoreBuilder;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cms.CMSSignedData;
import org.bouncycastle.cms.jcajce.JcaSimpleSignerInfoVerifierBuilder;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.operator.jcajce.JcaDigestCalculatorProviderBuilder;
import org.bouncycastle.tsp.TimeStampToken;
import org.bouncycastle.tsp.ers.ERSByteData;
import org.bouncycastle.tsp.ers.ERSData;
import org.bouncycastle.tsp.ers.ERSDataGroup;
import org.bouncycastle.tsp.ers.ERSEvidenceRecord;

/**
 * Checks an evidence record (RFC 4998) with BouncyCastle (docs/verify.md): that it leads from the files, as one group, to its time-stamps, that these
 * follow each other, each signature, and each authority's path to the root at the token's time. `CheckEvidence.java TSA-ROOT RECORD FILE FILE…`
 * ends with 0 only if all of it holds. That the group is these files and no more is the caller's to see: the library says only that they are in it.
 */
public final class CheckEvidence {
  public static void main(String[] args) throws Exception {
    Security.addProvider(new BouncyCastleProvider());
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    try {
      out.println("good: " + check(args));
    } catch (Exception fault) {
      out.println(("refused: " + fault).replaceAll("\\s+", " "));
      System.exit(1);
    }
  }

  @SuppressWarnings("unchecked")
  private static String check(String[] args) throws Exception {
    byte[] der = Files.readAllBytes(Path.of(args[1]));
    var digests = new JcaDigestCalculatorProviderBuilder().setProvider("BC").build();
    ERSEvidenceRecord record = new ERSEvidenceRecord(der, digests);
    List<ERSData> group = new ArrayList<>();
    for (int at = 2; at < args.length; at++) group.add(new ERSByteData(Files.readAllBytes(Path.of(args[at]))));
    record.validatePresent(new ERSDataGroup(group), new Date());
    record.validate(new JcaSimpleSignerInfoVerifierBuilder().setProvider("BC").build(record.getSigningCertificate()));
    StringBuilder words = new StringBuilder();
    for (ArchiveTimeStampChain chain : EvidenceRecord.getInstance(der).getArchiveTimeStampSequence().getArchiveTimeStampChains()) {
      for (ArchiveTimeStamp one : chain.getArchiveTimestamps()) {
        TimeStampToken token = new TimeStampToken(new CMSSignedData(one.getTimeStamp().getEncoded()));
        words.append(words.length() == 0 ? "existed by " : ", renewed ").append(checkToken(args[0], token));
      }
    }
    return words.toString();
  }

  @SuppressWarnings("unchecked")
  private static String checkToken(String root, TimeStampToken token) throws Exception {
    X509CertificateHolder holder = (X509CertificateHolder) token.getCertificates().getMatches(token.getSID()).iterator().next();
    X509Certificate certificate = new JcaX509CertificateConverter().setProvider("BC").getCertificate(holder);
    token.validate(new JcaSimpleSignerInfoVerifierBuilder().setProvider("BC").build(certificate));
    Date at = token.getTimeStampInfo().getGenTime();
    buildPath(root, token, certificate, at);
    return at.toInstant() + " (" + certificate.getSubjectX500Principal() + ")";
  }

  @SuppressWarnings("unchecked")
  private static void buildPath(String root, TimeStampToken token, X509Certificate leaf, Date at) throws Exception {
    X509Certificate anchor;
    try (var in = Files.newInputStream(Path.of(root))) {
      anchor = (X509Certificate) CertificateFactory.getInstance("X.509", "BC").generateCertificate(in);
    }
    X509CertSelector target = new X509CertSelector();
    target.setCertificate(leaf);
    PKIXBuilderParameters wanted = new PKIXBuilderParameters(Set.of(new TrustAnchor(anchor, null)), target);
    wanted.addCertStore(new JcaCertStoreBuilder().setProvider("BC").addCertificates(token.getCertificates()).build());
    wanted.setDate(at);
    wanted.setRevocationEnabled(false);
    CertPathBuilder.getInstance("PKIX", "BC").build(wanted);
  }
}
