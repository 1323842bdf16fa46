namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        /// <summary>
        /// Takes over the donor's reference and its place in its dispose scope; the donor is empty afterwards. Nothing is counted,
        /// because no tensor came into being.
        /// </summary>
        private protected Tensor(Tensor donor)
        {
            handle = donor.NativeHandle;
            donor.handle = 0;
            OwningScope = donor.OwningScope;
            donor.OwningScope = null;
            if (OwningScope is { } scope)
            {
                scope.Items.Remove(donor);
                scope.Items.Add(this);
            }
            GC.SuppressFinalize(donor);
        }
    }
}
