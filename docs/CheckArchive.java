import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.Security;
import java.security.cert.CertPathBuilder;
import java.security.cert.CertificateFactory;
import java.security.cert.PKIXBuilderParameters;
import java.security.cert.TrustAnchor;
import java.security.cert.X509CertSelector;
import java.security.cert.X509Certificate;
import java.util.Date;
import java.util.HashSet;
import java.util.Set;
import java.util.TreeSet;
import org.bouncycastle.asn1.ASN1Encodable;
import org.bouncycastle.asn1.ASN1EncodableVector;
import org.bouncycastle.asn1.ASN1Encoding;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.ASN1OctetString;
import org.bouncycastle.asn1.ASN1Sequence;
import org.bouncycastle.asn1.ASN1Set;
import org.bouncycastle.asn1.DERTaggedObject;
import org.bouncycastle.asn1.cms.Attribute;
import org.bouncycastle.asn1.cms.SignedData;
import org.bouncycastle.asn1.cms.SignerInfo;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.jcajce.JcaCertStoreBuilder;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cms.CMSSignedData;
import org.bouncycastle.cms.jcajce.JcaSimpleSignerInfoVerifierBuilder;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.tsp.TimeStampToken;

/**
 * Checks the archive time-stamps (ETSI EN 319 122-1 5.5.2, 5.5.3) of a detached signature with BouncyCastle (docs/verify.md): that each token is over document, signature
 * and the entries of its hash index, that every entry has its original, the token's signature, and its authority's path to the root at the token's time.
 * `CheckArchive.java TSA-ROOT SEAL DOCUMENT` ends with 0 only if all of it holds of all of them. Revocation, and whether they follow each other, is the caller's to see.
 */
public final class CheckArchive {
  private static final ASN1ObjectIdentifier ARCHIVE = new ASN1ObjectIdentifier("0.4.0.1733.2.4");
  private static final ASN1ObjectIdentifier INDEX = new ASN1ObjectIdentifier("0.4.0.19122.1.5");

  public static void main(String[] args) throws Exception {
    Security.addProvider(new BouncyCastleProvider());
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    boolean good = true;
    // Several seals in one go: SEAL DOCUMENT SEAL DOCUMENT …, a line for each.
    for (int at = 1; at + 1 < args.length; at += 2) {
      try {
        out.println("good: " + check(args[0], Files.readAllBytes(Path.of(args[at])), Files.readAllBytes(Path.of(args[at + 1]))));
      } catch (Exception fault) {
        out.println(("refused: " + fault).replaceAll("\\s+", " "));
        good = false;
      }
    }
    System.exit(good && args.length > 2 ? 0 : 1);
  }

  private static String check(String root, byte[] seal, byte[] document) throws Exception {
    SignedData data = SignedData.getInstance(new CMSSignedData(seal).toASN1Structure().getContent());
    SignerInfo signer = SignerInfo.getInstance(data.getSignerInfos().getObjectAt(0));
    Set<String> said = new TreeSet<>();
    for (ASN1Encodable one : signer.getUnauthenticatedAttributes()) {
      Attribute attribute = Attribute.getInstance(one);
      if (!attribute.getAttrType().equals(ARCHIVE)) continue;
      if (attribute.getAttrValues().size() != 1) throw new Exception("an archive time-stamp has one value");
      byte[] token = attribute.getAttrValues().getObjectAt(0).toASN1Primitive().getEncoded();
      said.add(checkArchive(root, data, signer, document, new TimeStampToken(new CMSSignedData(token))));
    }
    if (said.isEmpty()) throw new Exception("there is no archive time-stamp");
    return String.join("; ", said);
  }

  private static String checkArchive(String root, SignedData data, SignerInfo signer, byte[] document, TimeStampToken token) throws Exception {
    ASN1EncodableVector found = token.getUnsignedAttributes() == null ? new ASN1EncodableVector() : token.getUnsignedAttributes().getAll(INDEX);
    if (found.size() != 1 || Attribute.getInstance(found.get(0)).getAttrValues().size() != 1) throw new Exception("a token has one hash index");
    ASN1Sequence index = ASN1Sequence.getInstance(Attribute.getInstance(found.get(0)).getAttrValues().getObjectAt(0));
    if (index.size() != 4) throw new Exception("a hash index has four parts");
    String hash = token.getTimeStampInfo().getMessageImprintAlgOID().getId();
    if (!AlgorithmIdentifier.getInstance(index.getObjectAt(0)).getAlgorithm().getId().equals(hash)) throw new Exception("another hash in the index");
    checkEntries(hash, index.getObjectAt(1), encodings(data.getCertificates()));
    checkEntries(hash, index.getObjectAt(2), encodings(data.getCRLs()));
    checkEntries(hash, index.getObjectAt(3), attributeValues(signer.getUnauthenticatedAttributes()));

    ByteArrayOutputStream over = new ByteArrayOutputStream();
    over.write(der(data.getEncapContentInfo().getContentType()));
    over.write(digest(hash, document));
    over.write(der(signer.getVersion()));
    over.write(der(signer.getSID()));
    over.write(der(signer.getDigestAlgorithm()));
    over.write(der(new DERTaggedObject(false, 0, signer.getAuthenticatedAttributes())));
    over.write(der(signer.getDigestEncryptionAlgorithm()));
    over.write(der(signer.getEncryptedDigest()));
    over.write(der(index));
    if (!MessageDigest.isEqual(digest(hash, over.toByteArray()), token.getTimeStampInfo().getMessageImprintDigest())) {
      throw new Exception("the token is over something else");
    }
    return checkToken(root, token);
  }

  /** Every entry is of something that is there. */
  private static void checkEntries(String hash, ASN1Encodable list, Set<Bytes> there) throws Exception {
    Set<Bytes> hashes = new HashSet<>();
    for (Bytes one : there) hashes.add(new Bytes(digest(hash, one.bytes())));
    for (ASN1Encodable entry : ASN1Sequence.getInstance(list)) {
      if (!hashes.contains(new Bytes(ASN1OctetString.getInstance(entry).getOctets()))) throw new Exception("an entry of what is not there");
    }
  }

  private static Set<Bytes> encodings(ASN1Set set) throws Exception {
    Set<Bytes> all = new HashSet<>();
    if (set != null) for (ASN1Encodable one : set) all.add(new Bytes(der(one)));
    return all;
  }

  private static Set<Bytes> attributeValues(ASN1Set attributes) throws Exception {
    Set<Bytes> all = new HashSet<>();
    for (ASN1Encodable one : attributes) {
      Attribute attribute = Attribute.getInstance(one);
      for (ASN1Encodable value : attribute.getAttrValues()) {
        ByteArrayOutputStream both = new ByteArrayOutputStream();
        both.write(der(attribute.getAttrType()));
        both.write(der(value));
        all.add(new Bytes(both.toByteArray()));
      }
    }
    return all;
  }

  @SuppressWarnings("unchecked")
  private static String checkToken(String root, TimeStampToken token) throws Exception {
    X509CertificateHolder holder = (X509CertificateHolder) token.getCertificates().getMatches(token.getSID()).iterator().next();
    X509Certificate certificate = new JcaX509CertificateConverter().setProvider("BC").getCertificate(holder);
    token.validate(new JcaSimpleSignerInfoVerifierBuilder().setProvider("BC").build(certificate));
    Date at = token.getTimeStampInfo().getGenTime();
    X509Certificate anchor;
    try (var in = Files.newInputStream(Path.of(root))) {
      anchor = (X509Certificate) CertificateFactory.getInstance("X.509", "BC").generateCertificate(in);
    }
    X509CertSelector target = new X509CertSelector();
    target.setCertificate(certificate);
    PKIXBuilderParameters wanted = new PKIXBuilderParameters(Set.of(new TrustAnchor(anchor, null)), target);
    wanted.addCertStore(new JcaCertStoreBuilder().setProvider("BC").addCertificates(token.getCertificates()).build());
    wanted.setDate(at);
    wanted.setRevocationEnabled(false);
    CertPathBuilder.getInstance("PKIX", "BC").build(wanted);
    return "archived by " + at.toInstant() + " (" + certificate.getSubjectX500Principal() + ")";
  }

  private static byte[] der(ASN1Encodable one) throws Exception {
    return one.toASN1Primitive().getEncoded(ASN1Encoding.DER);
  }

  private static byte[] digest(String hash, byte[] bytes) throws Exception {
    return MessageDigest.getInstance(hash, "BC").digest(bytes);
  }

  private record Bytes(byte[] bytes) {
    @Override
    public boolean equals(Object other) {
      return other instanceof Bytes them && MessageDigest.isEqual(bytes, them.bytes);
    }

    @Override
    public int hashCode() {
      return java.util.Arrays.hashCode(bytes);
    }
  }
}
