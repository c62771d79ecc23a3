/*
 * BouncyCastle's evidence records (RFC 4998) over as many documents with seals as `ers-100k` makes, from the same bytes, over one token.
 * Every line of standard input is one round, answered with its seconds.
 * ErsPeer FILE-OF-BYTES COUNT DOCUMENT-BYTES SEAL-BYTES
 */
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.util.Arrays;
import java.util.Date;
import java.util.List;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.nist.NISTObjectIdentifiers;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.cms.SignerInfoGenerator;
import org.bouncycastle.cms.jcajce.JcaSignerInfoGeneratorBuilder;
import org.bouncycastle.operator.ContentSigner;
import org.bouncycastle.operator.DigestCalculator;
import org.bouncycastle.operator.DigestCalculatorProvider;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.operator.jcajce.JcaDigestCalculatorProviderBuilder;
import org.bouncycastle.tsp.TSPAlgorithms;
import org.bouncycastle.tsp.TimeStampRequest;
import org.bouncycastle.tsp.TimeStampRequestGenerator;
import org.bouncycastle.tsp.TimeStampResponse;
import org.bouncycastle.tsp.TimeStampResponseGenerator;
import org.bouncycastle.tsp.TimeStampTokenGenerator;
import org.bouncycastle.tsp.ers.ERSArchiveTimeStamp;
import org.bouncycastle.tsp.ers.ERSArchiveTimeStampGenerator;
import org.bouncycastle.tsp.ers.ERSByteData;
import org.bouncycastle.tsp.ers.ERSDataGroup;
import org.bouncycastle.tsp.ers.ERSEvidenceRecord;
import org.bouncycastle.tsp.ers.ERSEvidenceRecordGenerator;

public class ErsPeer {
  public static void main(String[] arguments) throws Exception {
    byte[] stream = Files.readAllBytes(Paths.get(arguments[0]));
    int count = Integer.parseInt(arguments[1]);
    int documentBytes = Integer.parseInt(arguments[2]);
    int sealBytes = Integer.parseInt(arguments[3]);
    DigestCalculatorProvider digests = new JcaDigestCalculatorProviderBuilder().build();
    TimeStampTokenGenerator tokens = authority(digests);
    BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
    for (String line = input.readLine(); line != null; line = input.readLine()) {
      long begun = System.nanoTime();
      ERSArchiveTimeStampGenerator generator = new ERSArchiveTimeStampGenerator(sha256(digests));
      for (int at = 0; at < count; at++) {
        generator.addData(
            new ERSDataGroup(
                new ERSByteData(Arrays.copyOfRange(stream, at, at + documentBytes)),
                new ERSByteData(Arrays.copyOfRange(stream, at + 1, at + 1 + sealBytes))));
      }
      TimeStampRequest request = generator.generateTimeStampRequest(new TimeStampRequestGenerator());
      TimeStampResponse made =
          new TimeStampResponseGenerator(tokens, TSPAlgorithms.ALLOWED).generate(request, BigInteger.ONE, new Date());
      List<ERSArchiveTimeStamp> stamps = generator.generateArchiveTimeStamps(new TimeStampResponse(made.getEncoded()));
      List<ERSEvidenceRecord> records = new ERSEvidenceRecordGenerator(digests).generate(stamps);
      long bytes = 0;
      for (ERSEvidenceRecord record : records) bytes += record.getEncoded().length;
      if (records.size() != count || bytes < count) throw new IllegalStateException("records are missing");
      System.out.printf("%.3f%n", (System.nanoTime() - begun) / 1e9);
      System.out.flush();
    }
  }

  private static DigestCalculator sha256(DigestCalculatorProvider digests) throws Exception {
    return digests.get(new AlgorithmIdentifier(NISTObjectIdentifiers.id_sha256));
  }

  /** Stamps by a throw-away key. */
  private static TimeStampTokenGenerator authority(DigestCalculatorProvider digests) throws Exception {
    KeyPairGenerator keys = KeyPairGenerator.getInstance("EC");
    keys.initialize(256);
    KeyPair pair = keys.generateKeyPair();
    ContentSigner signer = new JcaContentSignerBuilder("SHA256withECDSA").build(pair.getPrivate());
    X500Name name = new X500Name("CN=TSA (throw-away)");
    long now = System.currentTimeMillis();
    X509CertificateHolder certificate =
        new JcaX509v3CertificateBuilder(
                name, BigInteger.ONE, new Date(now - 60_000), new Date(now + 86_400_000L), name, pair.getPublic())
            .addExtension(Extension.extendedKeyUsage, true, new ExtendedKeyUsage(KeyPurposeId.id_kp_timeStamping))
            .build(signer);
    SignerInfoGenerator info = new JcaSignerInfoGeneratorBuilder(digests).build(signer, certificate);
    return new TimeStampTokenGenerator(info, sha256(digests), new ASN1ObjectIdentifier("2.999.1"));
  }
}
