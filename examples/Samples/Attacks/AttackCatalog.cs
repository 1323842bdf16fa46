using Ard.Trainers.Attacks;

namespace Ard.Samples;

/// <summary>Attacks by the names that options, tables and command lines use.</summary>
internal static class AttackCatalogSample
{
    public static void Example()
    {
        foreach (var name in new[] { "fgsm", "pgd-50x5", "cw-30", "apgd-t", "autoattack" })
        {
            var attack = AttackCatalog.ByName(name);
            Console.WriteLine($"{name}: {attack.GetType().Name}, {attack.Kind}, norms {string.Join(" ", attack.Norms)}");
        }
        try
        {
            AttackCatalog.ByName("pdg-20");
        }
        catch (ArgumentException exception)
        {
            Console.WriteLine(exception.Message[..exception.Message.IndexOf(':')]);
        }

        // Expected output:
        // fgsm: Fgsm, OneStep, norms Linf L2
        // pgd-50x5: Pgd, Gradient, norms Linf L2
        // cw-30: Pgd, Gradient, norms Linf L2
        // apgd-t: Apgd, Gradient, norms Linf L2 L1
        // autoattack: AttackSequence, Gradient, norms Linf L2 L1
        // There is no attack 'pdg-20'
    }
}
