import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.DefaultProfileValidationSupport;
import ca.uhn.fhir.validation.FhirValidator;
import ca.uhn.fhir.validation.SingleValidationMessage;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.hl7.fhir.common.hapi.validation.support.CommonCodeSystemsTerminologyService;
import org.hl7.fhir.common.hapi.validation.support.InMemoryTerminologyServerValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.ValidationSupportChain;
import org.hl7.fhir.common.hapi.validation.validator.FhirInstanceValidator;

/** Validates each file named against FHIR R4 and prints its messages, one JSON object per line. */
public class Validate {
  public static void main(String[] files) throws Exception {
    FhirContext context = FhirContext.forR4();
    ValidationSupportChain support = new ValidationSupportChain(
        new DefaultProfileValidationSupport(context),
        new CommonCodeSystemsTerminologyService(context),
        new InMemoryTerminologyServerValidationSupport(context));
    FhirValidator validator = context.newValidator();
    validator.registerValidatorModule(new FhirInstanceValidator(support));
    ObjectMapper json = new ObjectMapper();
    for (String file : files) {
      String resource = Files.readString(Path.of(file), StandardCharsets.UTF_8);
      for (SingleValidationMessage message : validator.validateWithResult(resource).getMessages()) {
        System.out.println(json.writeValueAsString(Map.of(
            "file", file,
            "severity", String.valueOf(message.getSeverity()),
            "location", String.valueOf(message.getLocationString()),
            "message", String.valueOf(message.getMessage()))));
      }
    }
  }
}
