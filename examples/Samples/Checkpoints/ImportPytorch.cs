using Ard.Trainers.Checkpoints;

namespace Ard.Samples;

/// <summary>The network in a file of PyTorch's torch.save; nothing in the file is run.</summary>
internal static class ImportPytorchSample
{
    public static void Example()
    {
        // A dictionary of an epoch and a state dict, whose names begin with "module.": see examples/notebooks/make_teacher.py.
        var path = Path.Combine(AppContext.BaseDirectory, "glyph-teacher.pt");
        using var imported = ModelFile.Import(path);
        Console.WriteLine(imported.Spec);
        // What was done to the names, one fact a line, after the file.
        foreach (var fact in $"{imported.Report}".ReplaceLineEndings("\n").Split('\n')[1..3]) Console.WriteLine(fact);

        // Into a network that is there already: its names and shapes have to fit.
        using var other = imported.Spec.Build(seed: 9);
        ModelFile.Load(path, other);
        Console.WriteLine($"the same: {Given.Same(imported.Network, other)}");

        // Expected output:
        // tinycnn-bn
        // found under 'state_dict'
        // stripped the prefix 'module.'
        // the same: True
    }
}
