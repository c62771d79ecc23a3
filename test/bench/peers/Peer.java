/*
 * The strongest peer: BouncyCastle's CMS over SunPKCS11, one process for all documents; no fsync, no journal, no verification.
 * The first line of standard input is the PIN; every further line is a folder to write to, and is answered with documents a second.
 * Peer PKCS11.CFG LABEL ALGORITHM COUNT FOLDER-OF-DOCUMENTS
 */
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.Provider;
import java.security.Security;
import java.security.cert.X509Certificate;
import org.bouncycastle.cert.jcajce.JcaX509CertificateHolder;
import org.bouncycastle.cms.CMSProcessableByteArray;
import org.bouncycastle.cms.CMSSignedDataGenerator;
import org.bouncycastle.cms.jcajce.JcaSignerInfoGeneratorBuilder;
import org.bouncycastle.operator.ContentSigner;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.operator.jcajce.JcaDigestCalculatorProviderBuilder;

public class Peer {
  public static void main(String[] arguments) throws Exception {
    BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
    Provider provider = Security.getProvider("SunPKCS11").configure(arguments[0]);
    Security.addProvider(provider);
    KeyStore store = KeyStore.getInstance("PKCS11", provider);
    store.load(null, input.readLine().toCharArray());
    String label = arguments[1];
    PrivateKey key = (PrivateKey) store.getKey(label, null);
    X509Certificate certificate = (X509Certificate) store.getCertificate(label);
    int count = Integer.parseInt(arguments[3]);
    Path documents = Paths.get(arguments[4]);

    ContentSigner signer = new JcaContentSignerBuilder(arguments[2]).setProvider(provider).build(key);
    CMSSignedDataGenerator generator = new CMSSignedDataGenerator();
    generator.addSignerInfoGenerator(
        new JcaSignerInfoGeneratorBuilder(new JcaDigestCalculatorProviderBuilder().build())
            .build(signer, certificate));
    generator.addCertificate(new JcaX509CertificateHolder(certificate));

    for (String line = input.readLine(); line != null; line = input.readLine()) {
      Path out = Paths.get(line);
      Files.createDirectories(out);
      long begun = System.nanoTime();
      for (int at = 0; at < count; at++) {
        byte[] document = Files.readAllBytes(documents.resolve("d" + at));
        byte[] signed = generator.generate(new CMSProcessableByteArray(document), false).getEncoded("DER");
        Files.write(out.resolve("d" + at + ".p7s"), signed);
      }
      System.out.printf("%.1f%n", count / ((System.nanoTime() - begun) / 1e9));
      System.out.flush();
    }
  }
}
