namespace Ard.Trainers.Training;

/// <summary>Whether networks, images and settings fit one another: found out before anything is changed or costs time.</summary>
internal static class TrainingInput
{
    /// <summary>Checks what can be seen without a forward pass; the settings are filled in.</summary>
    /// <exception cref="ArgumentException">Something does not fit; the message names every fault.</exception>
    public static void Check(
        TrainingNetworks networks, Objective objective, ImageDataset data, ImageDataset? validation, TrainingOptions options,
        ProcessGroup group) =>
        Require([
            .. Method(networks, objective, options), .. Networks(networks), .. Images(networks, data, validation, options),
            .. Auxiliary(networks, data, options.Auxiliary), .. Shares(options, group)]);

    /// <summary>Sends one image through each network, which tells what no parameter's shape tells of a module of one's own.</summary>
    /// <exception cref="ArgumentException">A network does not give a logit for each class; the message names every one.</exception>
    public static void CheckOutputs(TrainingNetworks networks, ImageDataset data, ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var image = data.Batch(0, 1).Images.to(dtype);
        var faults = new List<string>();
        foreach (var (name, network) in networks.All)
        {
            using var state = ModelState.Borrow(network);
            var shape = network.call(image).shape;
            if (!shape.SequenceEqual([1, data.Classes]))
                faults.Add($"{name} gives [{string.Join(",", shape)}] for one image, "
                    + $"expected [1,{data.Classes}], a logit for each class of the data");
        }
        Require(faults);
    }

    private static IEnumerable<string> Method(TrainingNetworks networks, Objective objective, TrainingOptions options)
    {
        if (objective.NeedsTeacher && networks.Teacher is null)
            yield return $"Teacher is missing, the objective {objective.Name} needs one";
        if (objective.NeedsNaturalTeacher && networks.NaturalTeacher is null)
            yield return $"NaturalTeacher is missing, the objective {objective.Name} needs one";
        if (objective.NeedsPeer && networks.Peer is null)
            yield return $"Peer is missing, the objective {objective.Name} trains one: a network that has not been trained";
        if (options.Mixing is not null && !objective.TakesSoftLabels)
            yield return $"Mixing is set, and the objective {objective.Name} needs a class for each image, which mixed ones do not have";
    }

    private static IEnumerable<string> Networks(TrainingNetworks networks)
    {
        var type = networks.Student.parameters().FirstOrDefault(parameter => parameter.requires_grad)?.dtype;
        if (type is null)
            yield return $"Student, a {networks.Student.GetType().Name}, has no parameter that requires a gradient (a module of one's own: "
                + "has its constructor called RegisterComponents() after its fields were set?)";
        else if (type is not (ScalarType.Float32 or ScalarType.Float64)) yield return $"Student is {type}, expected Float32 or Float64";
        foreach (var (name, network) in networks.All.Skip(1))
        {
            var twin = networks.All.First(other => ReferenceEquals(other.Network, network)).Name;
            // One network may be both teachers.
            if (twin == nameof(networks.Student) || (twin != name && name == nameof(networks.Peer)))
                yield return $"{name} is the {twin} too, expected another network";
            if (Weights.NotFinite(network) is { } found) yield return $"{name} has {found}, expected finite weights";
            if (type is not null && network.parameters().FirstOrDefault() is { } first && first.dtype != type)
                yield return $"{name} is {first.dtype}, expected {type} as the student";
        }
    }

    private static IEnumerable<string> Images(
        TrainingNetworks networks, ImageDataset data, ImageDataset? validation, TrainingOptions options)
    {
        if (options.Precision == Precision.Mixed
            && (networks.Student is not ImageNetwork || networks.Student.parameters().FirstOrDefault()?.dtype != ScalarType.Float32))
            yield return $"Precision is Mixed and Student a {networks.Student.GetType().Name}, "
                + "expected a network of this library in Float32";
        foreach (var fault in Beside("validation images", validation, data)) yield return fault;
        if (validation is null && Math.Round(data.Count * options.ValidationFraction) >= data.Count)
            yield return Invariant($"ValidationFraction {options.ValidationFraction} of {data.Count} images leaves none to train on");
        var (augmentation, side) = (options.Augmentation!, Math.Min(data.Height, data.Width));
        if (augmentation.Padding >= side)
            yield return $"Augmentation has the padding {augmentation.Padding}, expected less than the images' {data.Height}x{data.Width}";
        if (augmentation.RandAugment is not null && data.Channels is not (1 or 3))
            yield return $"Augmentation has RandAugment, and the images {data.Channels} channels, expected 1 or 3";
        if (augmentation.Cutout > side)
            yield return $"Augmentation has the cutout {augmentation.Cutout}, expected at most the images' {data.Height}x{data.Width}";
    }

    private static IEnumerable<string> Auxiliary(TrainingNetworks networks, ImageDataset data, AuxiliaryData? auxiliary)
    {
        if (auxiliary is null) yield break;
        var name = $"{nameof(TrainingOptions.Auxiliary)}.{nameof(auxiliary.Images)}";
        if (auxiliary.Images is not { } images)
        {
            if (auxiliary.Share > 0)
                yield return Invariant(
                    $"{name} are missing, expected images beside the training set: they take {auxiliary.Share} of each batch");
            yield break;
        }
        foreach (var fault in Beside(name, images, data)) yield return fault;
        if (auxiliary is { TeacherLabels: true, Share: > 0 } && networks.Teacher is null)
            yield return $"{nameof(auxiliary.TeacherLabels)} is set and Teacher is missing, which would say them";
    }

    private static IEnumerable<string> Beside(string name, ImageDataset? images, ImageDataset data)
    {
        if (images is null) yield break;
        if (!images.Shape[1..].SequenceEqual(data.Shape[1..]))
            yield return $"{name} are [{string.Join(",", images.Shape[1..])}], "
                + $"expected [{string.Join(",", data.Shape[1..])}] as the training images";
        if (images.Classes != data.Classes && images.PlacesAmong(data.ClassNames) is null)
            yield return $"{name} have {images.Classes} classes, expected {data.Classes}, or some of these by name";
    }

    // What one process can do and several together cannot.
    private static IEnumerable<string> Shares(TrainingOptions options, ProcessGroup group) => options.BatchSize < group.Size
        ? [$"BatchSize is {options.BatchSize}, expected an image for each of {group.Size} processes"] : [];

    private static void Require(IReadOnlyList<string> faults)
    {
        if (faults.Count > 0) throw new ArgumentException($"{nameof(Trainer)}: {string.Join("; ", faults)}.");
    }
}
