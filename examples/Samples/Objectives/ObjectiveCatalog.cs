using Ard.Trainers.Attacks;
using Ard.Trainers.Objectives;

namespace Ard.Samples;

/// <summary>Training methods by the names that options and command lines use.</summary>
internal static class ObjectiveCatalogSample
{
    public static void Example()
    {
        Console.WriteLine(string.Join(' ', ObjectiveCatalog.Names));

        // A plus sign puts another method around a method; settings that are not given are those of its publication.
        var objective = ObjectiveCatalog.ByName("rslad+awp", new ObjectiveSettings { Threat = ThreatModel.Linf(0.1), Steps = 5 });
        Console.WriteLine($"{objective.Name}: {objective.Threat}, needs a teacher: {objective.NeedsTeacher}");
        try
        {
            ObjectiveCatalog.ByName("kd", new ObjectiveSettings { Beta = 6 });
        }
        catch (ArgumentException exception)
        {
            Console.WriteLine(exception.Message);
        }

        // Expected output:
        // natural at trades kd ard ard-corrected free fast-ard fgsm-rs n-fgsm mart mtard rslad iad adaad adaiad saad peeraid
        // rslad+awp: Linf 0.1, needs a teacher: True
        // ObjectiveSettings: Beta is set, and the method kd has none.
    }
}
