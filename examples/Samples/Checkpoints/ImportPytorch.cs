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
        Console.WriteLine($"{imported.Spec}: {imported.Report.Loaded} tensors");
        Console.WriteLine($"under '{imported.Report.Key}', without the prefix '{imported.Report.Prefix}'");

        // Into a network that is there already: its names and shapes have to fit.
        using var other = imported.Spec.Build(seed: 9);
        ModelFile.Load(path, other);
        Console.WriteLine($"the same: {Given.Same(imported.Network, other)}");

        // Expected output:
        // tinycnn-bn: 20 tensors
        // under 'state_dict', without the prefix 'module.'
        // the same: True
    }
}
