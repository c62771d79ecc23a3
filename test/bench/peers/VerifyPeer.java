/*
 * BouncyCastle over the seals and documents of one batch: each signature and message digest, by the certificate in the seal; no path to a root, list,
 * manifest or quorum. Every line of standard input is one round, answered with seals a second.
 * VerifyPeer FILE-OF-PAIRS (a seal and its document on each line, a tab between)
 */
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.security.Security;
import java.util.List;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cms.CMSProcessableByteArray;
import org.bouncycastle.cms.CMSSignedData;
import org.bouncycastle.cms.SignerInformation;
import org.bouncycastle.cms.SignerInformationVerifier;
import org.bouncycastle.cms.jcajce.JcaSimpleSignerInfoVerifierBuilder;
import org.bouncycastle.jce.provider.BouncyCastleProvider;

public class VerifyPeer {
  @SuppressWarnings("unchecked")
  public static void main(String[] arguments) throws Exception {
    Security.addProvider(new BouncyCastleProvider());
    List<String> pairs = Files.readAllLines(Paths.get(arguments[0]));
    BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
    for (String line = input.readLine(); line != null; line = input.readLine()) {
      long begun = System.nanoTime();
      for (String pair : pairs) {
        String[] paths = pair.split("\t");
        byte[] document = Files.readAllBytes(Paths.get(paths[1]));
        CMSSignedData seal =
            new CMSSignedData(new CMSProcessableByteArray(document), Files.readAllBytes(Paths.get(paths[0])));
        for (SignerInformation signer : seal.getSignerInfos()) {
          X509CertificateHolder certificate =
              (X509CertificateHolder) seal.getCertificates().getMatches(signer.getSID()).iterator().next();
          SignerInformationVerifier verifier =
              new JcaSimpleSignerInfoVerifierBuilder().setProvider("BC").build(certificate);
          if (!signer.verify(verifier)) throw new IllegalStateException(paths[0] + " does not hold");
        }
      }
      System.out.printf("%.1f%n", pairs.size() / ((System.nanoTime() - begun) / 1e9));
      System.out.flush();
    }
  }
}
