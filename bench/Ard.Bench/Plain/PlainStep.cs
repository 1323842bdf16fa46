namespace Ard.Bench.Plain;

/// <summary>
/// The training step of the released main.py of ARD at alpha 1, and its attack, as a user of TorchSharp writes them. Nothing of this
/// library is used, so that nothing of it is loaded in the process: neither its settings of native libraries.
/// </summary>
internal sealed class PlainStep(StepFiles files, Device device)
    : StepSide(files, device, PlainNetworks.ByName(files.Network), PlainNetworks.ByName("resnet18"))
{
    private const double Epsilon = 8.0 / 255, StepSize = 2.0 / 255, Temperature = 30, Alpha = 1;

    public override (double AttackFirst, double? Loss) Attack()
    {
        using var scope = NewDisposeScope();
        Student.eval();
        return (Perturb().AttackFirst.item<float>(), null);
    }

    public override (double AttackFirst, double? Loss) Train()
    {
        using var scope = NewDisposeScope();
        Student.train();
        Optimizer.zero_grad();
        var (adversarial, attackFirst) = Perturb();
        var outputs = Student.call(adversarial);
        var teacherOutputs = Teacher.call(Images);
        var basicOutputs = Student.call(Images);
        var divergence = functional.kl_div(
            functional.log_softmax(outputs / Temperature, 1), functional.softmax(teacherOutputs / Temperature, 1),
            log_target: false, reduction: Reduction.Mean);
        var loss = Alpha * Temperature * Temperature * divergence + (1 - Alpha) * functional.cross_entropy(basicOutputs, Labels);
        loss.backward();
        Optimizer.step();
        return (attackFirst.item<float>(), loss.item<float>());
    }

    private (Tensor Points, Tensor AttackFirst) Perturb()
    {
        var x = Images + Noise;
        Tensor? first = null;
        for (var step = 0; step < 10; step++)
        {
            using var scope = NewDisposeScope();
            x.requires_grad_();
            var loss = functional.cross_entropy(Student.call(x), Labels, reduction: Reduction.Sum);
            first ??= loss.detach().MoveToOuterDisposeScope();
            var gradient = autograd.grad([loss], [x])[0];
            x = x.detach() + StepSize * gradient.sign();
            x = minimum(maximum(x, Images - Epsilon), Images + Epsilon);
            x = x.clamp(0, 1).MoveToOuterDisposeScope();
        }
        return (x, first!);
    }
}
