using Ard.Trainers.Evaluation;
using Ard.Trainers.Reports;

namespace Ard.Samples;

/// <summary>A gate: a test that fails where a network is less robust than it is said to be.</summary>
internal static class RobustnessAssertSample
{
    public static void Example()
    {
        var options = new EvaluationOptions { Threat = Given.Threat };
        foreach (var (name, network) in new[] { ("natural", Given.Natural), ("robust", Given.Robust) })
        {
            var report = new RobustnessEvaluator(options).Evaluate(network, Given.Test.Images, Given.Test.Labels);
            try
            {
                RobustnessAssert.AtLeast(report, 0.2);          // in a test of xunit, NUnit or MSTest: this line
                Console.WriteLine($"{name}: passes");
            }
            catch (RobustnessException exception)
            {
                Console.WriteLine($"{name}: fails, {exception.Message.Contains("expected 20 % or more", StringComparison.Ordinal)}");
            }

            // The same for a CI service.
            var file = Path.GetTempFileName();
            JUnitReport.Save(file, name, report, accuracy: 0.2);
            var failures = File.ReadAllText(file).Split("<failure").Length - 1;
            Console.WriteLine($"{name}: tests that fail: {failures > 0}");
            File.Delete(file);
        }

        // Expected output:
        // natural: fails, True
        // natural: tests that fail: True
        // robust: passes
        // robust: tests that fail: False
    }
}
